package advantage

import "math"

// Spread is what a group's estimate of the gradient scatters by under some advantages A, as its samples show it:
//
//	(1/n²)·Σ_i w_i·A_i²
//
// the diagonal part of E|ĝ|², ĝ = (1/n)·Σ A_i·s_i, w_i = |s_i|². |E g|² and the terms between samples are left in or out
// alike for all baselines, so compare two of them on the same samples and the same exact weights. It is NaN for fewer than
// two scored samples. rewards say who is scored; all are [G].
func Spread(rewards, weights, advantages []float64) float64 {
	sum, n := 0.0, 0.0
	for i, r := range rewards {
		if !math.IsNaN(r) {
			sum += weights[i] * advantages[i] * advantages[i]
			n++
		}
	}
	if n < 2 {
		return math.NaN()
	}
	return sum / (n * n)
}

// Spreads compares baselines on one group: the gradient's spread under none, the group's mean, RLOO and ours.
type Spreads struct{ None, Mean, RLOO, Ours float64 }

// Compare gives the spreads of a group; ours are the advantages under our baseline. Weights are exact squared norms for
// the figures to be the gradient's, and all are [G].
func Compare(rewards, weights, ours []float64) Spreads {
	return Spreads{
		None: Spread(rewards, weights, rewards),
		Mean: Spread(rewards, weights, GroupCentred(rewards)),
		RLOO: Spread(rewards, weights, WeightedLeaveOneOut(rewards, nil, Prior{})),
		Ours: Spread(rewards, weights, ours),
	}
}

// Correlation is Pearson's between weights and rewards of the scored samples: 0 means that the mean reward is the optimal
// baseline. It is NaN when either doesn't vary.
func Correlation(weights, rewards []float64) float64 {
	var n, mw, mr float64
	for i, r := range rewards {
		if !math.IsNaN(r) {
			n++
			mw += weights[i]
			mr += r
		}
	}
	mw, mr = mw/n, mr/n
	var ww, rr, wr float64
	for i, r := range rewards {
		if !math.IsNaN(r) {
			dw, dr := weights[i]-mw, r-mr
			ww, rr, wr = ww+dw*dw, rr+dr*dr, wr+dw*dr
		}
	}
	return wr / math.Sqrt(ww*rr)
}
