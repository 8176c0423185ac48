package eval

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// normal975 is the 0.975 quantile of the standard normal distribution: it makes 95% intervals.
const normal975 = 1.959963984540054

// Wilson is the 95% score interval of a share, hits of n:
//
//	(p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n),   p = hits/n, z = 1.96
//
// It is inside [0, 1], and of positive width at 0 and n hits too. NaN when n is 0.
//
// Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference"; method 3 of Newcombe 1998.
func Wilson(hits, n int) (low, high float64) {
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	p, size, z2 := float64(hits)/float64(n), float64(n), normal975*normal975
	centre := p + z2/(2*size)
	half := normal975 * math.Sqrt(p*(1-p)/size+z2/(4*size*size))
	low, high = (centre-half)/(1+z2/size), (centre+half)/(1+z2/size)
	if hits == 0 { // exact; rounding leaves 1e-18
		low = 0
	}
	if hits == n {
		high = 1
	}
	return low, high
}

// MeanInterval is the mean of xs and its 95% interval by Student's t with len(xs)-1 degrees of freedom,
// mean ± t·s/√n. No interval for fewer than two values, no mean for none: NaN.
func MeanInterval(xs []float64) (mean, low, high float64) {
	n := float64(len(xs))
	if len(xs) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	for _, x := range xs {
		mean += x
	}
	mean /= n
	if len(xs) == 1 {
		return mean, math.NaN(), math.NaN()
	}
	var squares float64
	for _, x := range xs {
		squares += (x - mean) * (x - mean)
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.975)
	half := t * math.Sqrt(squares/(n-1)/n)
	return mean, mean - half, mean + half
}

// percentile is the nearest-rank percentile of sorted values: the smallest one that at least percent of a hundred
// don't exceed. NaN when there are none.
func percentile(sorted []float64, percent int) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	rank := (percent*len(sorted) + 99) / 100 // rounded up
	return sorted[max(rank, 1)-1]
}

func shareMetric(name string, hits, n int) Metric {
	low, high := Wilson(hits, n)
	return Metric{name, float64(hits) / float64(n), low, high, n, UnitShare}
}

func meanMetric(name string, xs []float64) Metric {
	mean, low, high := MeanInterval(xs)
	return Metric{name, mean, low, high, len(xs), UnitTokens}
}

func percentileMetric(name string, sorted []float64, percent int) Metric {
	return Metric{name, percentile(sorted, percent), math.NaN(), math.NaN(), len(sorted), UnitTokens}
}
