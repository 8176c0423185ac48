package schedule

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

const (
	refinePoints = 10_000 // the norms are resampled to so many, so that the filter's width is a share of the run
	refineFilter = 0.1    // width of the median filter, as a share of the run
	refineEnds   = 2      // norms left out at either end
	refineLeast  = 10     // norms at least
	refineClamp  = 0.01   // of the median: smaller norms count as this, lest all of the rate goes where norms collapse
)

// Refine makes the refined schedule's curve from the gradient norms of a run, one a step, in [0, 1] with its largest
// value 1. power is 1 for w = 1/G (Adam, L1 norms) and 2 for w = 1/G² (SGD, L2 norms).
//
// Without smoothing the result is noise: values that are not finite and positive are left out, and the first and last
// two; the rest is resampled linearly to 10,000 points and median-filtered over 10% of the run, with the first value
// repeated before the start and the end mirrored. The clamp at 1% of the median is ours.
//
// Source: Defazio et al. 2023, arXiv:2310.07831, algorithm 1, and the smoothing that its authors published.
func Refine(norms []float64, power float64) ([]float64, error) {
	g := slices.DeleteFunc(slices.Clone(norms), func(x float64) bool { return !(x > 0) || math.IsInf(x, 0) })
	if len(g) < refineLeast+2*refineEnds {
		return nil, fmt.Errorf("found %d gradient norms above 0, want at least %d", len(g), refineLeast+2*refineEnds)
	}
	g = medianFilter(resample(g[refineEnds:len(g)-refineEnds], refinePoints), refineFilter)
	least := refineClamp * medianOf(g)
	for i := range g {
		g[i] = max(g[i], least)
	}
	return refine(g, power), nil
}

// refine is the formula, without smoothing.
func refine(g []float64, power float64) []float64 {
	total := 0.0
	w := make([]float64, len(g))
	for i, x := range g {
		w[i] = math.Pow(x, -power)
		total += w[i]
	}
	m := make([]float64, len(w))
	tail := 0.0 // from the end, so that the last is exactly 0
	for i := len(w) - 1; i >= 0; i-- {
		m[i] = w[i] * tail / total
		tail += w[i]
	}
	if most := slices.Max(m); most > 0 {
		for i := range m {
			m[i] /= most
		}
	}
	return m
}

// interpolate reads a curve at r in [0, 1] of its length.
func interpolate(curve []float64, r float64) float64 {
	at := r * float64(len(curve)-1)
	i := min(int(at), len(curve)-1)
	if i == len(curve)-1 {
		return curve[i]
	}
	f := at - float64(i)
	return curve[i]*(1-f) + curve[i+1]*f
}

// resample reads a series at n evenly spaced places from its first to its last value.
func resample(v []float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = interpolate(v, float64(i)/float64(n-1))
	}
	return out
}

// medianFilter replaces each value by the median of those within half a width, a share of the length. Before the start
// the first value stands; the end is mirrored.
func medianFilter(v []float64, width float64) []float64 {
	half := int(width * float64(len(v)) / 2)
	at := func(i int) float64 {
		switch {
		case i < 0:
			return v[0]
		case i >= len(v):
			return v[2*len(v)-1-i] // the last value stands twice
		}
		return v[i]
	}
	window := make([]float64, 0, 2*half+1) // sorted
	for i := -half; i <= half; i++ {
		window = append(window, at(i))
	}
	sort.Float64s(window)
	out := make([]float64, len(v))
	for i := range v {
		out[i] = window[half]
		gone, _ := slices.BinarySearch(window, at(i-half))
		window = slices.Delete(window, gone, gone+1)
		place, _ := slices.BinarySearch(window, at(i+half+1))
		window = slices.Insert(window, place, at(i+half+1))
	}
	return out
}

func medianOf(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
