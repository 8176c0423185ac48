package cpu

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// lanes are the partial sums of a reduction over a row: element i goes to lane i mod 16, and sum adds the lanes in
// one fixed tree.
type lanes [compute.Lanes]float32

var negInf = float32(math.Inf(-1))

func (s *lanes) sum() float32 {
	for half := compute.Lanes / 2; half > 0; half /= 2 {
		for j := range half {
			s[j] += s[j+half]
		}
	}
	return s[0]
}

// dot is Σ a·b, len(b) >= len(a).
func (k *kernel) dot(a, b []float32) float32 {
	var s lanes
	if k.vector {
		if sum, ok := dotWhole(a, b); ok {
			return sum
		}
		dotBlocks(a, b, &s)
		return s.sum()
	}
	b = b[:len(a)]
	for len(a) >= compute.Lanes {
		x, y := (*lanes)(a), (*lanes)(b)
		for j := range x {
			s[j] += float32(x[j] * y[j])
		}
		a, b = a[compute.Lanes:], b[compute.Lanes:]
	}
	b = b[:len(a)]
	for j := range a {
		s[j&(compute.Lanes-1)] += float32(a[j] * b[j])
	}
	return s.sum()
}

// maximum is the largest element, -Inf for none; it passes over NaN.
func (k *kernel) maximum(x []float32) float32 {
	var most lanes
	for j := range most {
		most[j] = negInf
	}
	if k.vector {
		maxBlocks(x, &most)
		x = nil
	}
	for ; len(x) >= compute.Lanes; x = x[compute.Lanes:] {
		for j, v := range (*lanes)(x) {
			if v > most[j] {
				most[j] = v
			}
		}
	}
	for j, v := range x {
		if v > most[j] {
			most[j] = v
		}
	}
	for _, v := range most[1:] {
		if v > most[0] {
			most[0] = v
		}
	}
	return most[0]
}

// expSum replaces x by e^((x-sub)·scale) and returns the sum.
func (k *kernel) expSum(x []float32, sub, scale float32) float32 {
	var s lanes
	if k.vector {
		k.expBlocks(x, sub, scale, &s)
		return s.sum()
	}
	for ; len(x) >= compute.Lanes; x = x[compute.Lanes:] {
		p := (*lanes)(x)
		for j := range p {
			e := compute.Exp((p[j] - sub) * scale)
			p[j] = e
			s[j] += e
		}
	}
	for j, v := range x {
		e := compute.Exp((v - sub) * scale)
		x[j] = e
		s[j&(compute.Lanes-1)] += e
	}
	return s.sum()
}

// rowCalls are the calls that a decoding step makes, one field each: they are run from here, so that none allocates.
type rowCalls struct {
	norm   normCall
	rope   ropeCall
	add    addCall
	swiglu swigluCall
	embed  embedCall
	stats  statsCall
}

// elementGrain is the fewest elements that are worth a thread of their own.
const elementGrain = 8192

// lightGrain is that where an element takes less than 0.1 ns: a call over two threads takes about 1 µs more than its work.
const lightGrain = 1 << 14

// rowGrain is the fewest rows of a width that are worth a thread of their own.
func rowGrain(width int) int { return max(1, elementGrain/max(1, width)) }

// parallelBlocks is parallel with pieces that start at multiples of a block of 16: on a cache line of their own.
func (b *Backend) parallelBlocks(n, grain int, fn func(lo, hi int)) {
	b.parallel(ceilDiv(n, compute.Lanes), grain/compute.Lanes, func(lo, hi int) { fn(inBlocks(n, lo, hi)) })
}

// inBlocks turns numbers of blocks into numbers of n elements.
func inBlocks(n, lo, hi int) (from, to int) { return lo * compute.Lanes, min(n, hi*compute.Lanes) }

// mustHave panics when a buffer doesn't have the length that the call implies.
func mustHave(what string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("cpu: %s: %d elements, want %d", what, got, want))
	}
}

func mustBeRow(what string, r int32, n int) {
	panic(fmt.Sprintf("cpu: %s: row %d, want [0, %d)", what, r, n))
}
