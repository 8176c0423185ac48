// Package bench measures whole pieces of work (a training step, decoding, a step of GRPO, the start of the program) and
// checks the kernels of this machine against the portable ones. It is what the verbs `bench` and `doctor` print; the
// kernels' own measurements are package cpu's. Start with [Train], [Decode], [GRPO] and [Check].
//
// It stands apart from the drawing of docs/architecture.md because it needs every room at once, and no room needs it.
package bench

import (
	"context"
	"math"
	"slices"
)

// Spread is what the repeats of one measurement gave.
type Spread struct {
	Median, Min, Max float64
	N                int // repeats
}

// SpreadOf is the spread of some values; all zero for none.
func SpreadOf(v []float64) Spread {
	if len(v) == 0 {
		return Spread{}
	}
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	return Spread{Median: (v[(n-1)/2] + v[n/2]) / 2, Min: v[0], Max: v[n-1], N: n}
}

// Per is the spread of amount/v, such as tokens a second of seconds.
func (s Spread) Per(amount float64) Spread {
	return Spread{Median: amount / s.Median, Min: amount / s.Max, Max: amount / s.Min, N: s.N}
}

// Run is what every measurement says of the time it ran in.
type Run struct {
	PeakRSS int64   // bytes, the high-water mark of the resident set since the measurement began; 0: unknown
	Foreign float64 // cores that other processes kept busy meanwhile; NaN: unknown
}

// record begins a Run; end it with the returned function.
func record() (end func() Run) {
	resetPeak()
	m := StartMeter()
	return func() Run { return Run{PeakRSS: peakRSS(), Foreign: m.Foreign()} }
}

// repeat calls once, and then n times more until ctx ends; the first call fills memory and caches and doesn't count.
// An error of a measurement that ctx cut short is not the caller's: what was measured before it is.
func repeat(ctx context.Context, n int, once func(counts bool) error) error {
	for i := range n + 1 {
		if ctx.Err() != nil {
			return nil
		}
		if err := once(i > 0); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	return nil
}

// medianOf is the median, NaN for none.
func medianOf(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	return SpreadOf(v).Median
}
