// Package forecast fits the annealing law to the losses of supervised runs and says what other learning rates would have
// given, or would give in the steps that remain. Start with [Read], [Fit] and [Decays].
//
// The law is about one model, data set and batch, and about rates below one peak. Scaling a whole schedule up, or steps at
// rate 0 after its end, always lowers the loss that it predicts: compare decays with it, never search for rates.
package forecast

import "math"

// Lambda is how much of its momentum the annealing keeps from one step to the next (the paper's 0.999).
const Lambda = 0.999

// Area is what the law knows of a run's rates up to a step: their sum, and how much they have been annealed.
type Area struct{ S1, S2 float64 }

// Areas gives the area after each update.
//
//	S1(s) = Σ_{i≤s} η_i;   S2(s) = Σ_{i≤s} m_i,   m_i = λ·m_{i-1} + (η_{i-1} - η_i)
//
// η_i is the rate of update i, and the peak for those of the warm-up: see [Warmup].
//
// Source: Tissue et al. 2024, arXiv:2408.11029.
func Areas(rates []float64) []Area {
	out := make([]Area, len(rates))
	var a Area
	momentum, last := 0.0, 0.0
	warm := Warmup(rates)
	for i, rate := range rates {
		if i < warm {
			rate = rates[warm]
		}
		if i > 0 {
			momentum = Lambda*momentum + (last - rate)
		}
		last = rate
		a.S1 += rate
		a.S2 += momentum
		out[i] = a
	}
	return out
}

// Warmup counts the updates at the start before the rate no longer rises.
func Warmup(rates []float64) int {
	n := 0
	for n+1 < len(rates) && rates[n+1] > rates[n] {
		n++
	}
	return n
}

// Law is the annealing law with its four numbers, all >= 0.
//
//	L(s) = L0 + A·S1(s)^(-α) - C·S2(s)
type Law struct{ L0, A, Alpha, C float64 }

// Loss is what the law predicts after an update.
func (l Law) Loss(a Area) float64 { return l.L0 + l.A*math.Pow(a.S1, -l.Alpha) - l.C*a.S2 }
