package advantage

import "math"

// leastWeight is the sum of the others' weights below which they say nothing: the others were certain to be drawn.
const leastWeight = 1e-12

// Prior is the value that a leave-one-out baseline is shrunk towards: as if samples of weight Kappa with reward
// Baseline stood beside the group. Neither may depend on the group, else the estimate is biased. The zero value shrinks
// nothing.
type Prior struct{ Kappa, Baseline float64 }

// WeightedLeaveOneOut is the advantage over the variance-optimal baseline, estimated for each sample from the others:
//
//	A_i = r_i - b_i,   b_i = (Σ_{j≠i} w_j·r_j + κ·b0)/(Σ_{j≠i} w_j + κ),   w_j = |∇ log π(y_j)|²
//
// rewards, weights >= 0 and the result are [G]; weights nil means equal ones, which without a prior is RLOO. b_i does
// not see sample i, so E[b_i·s_i] = 0 and the gradient stays unbiased. Where the others' weights add up to less than
// 1e-12, b_i is their plain mean. A group of one has b = b0 (0 without a prior).
//
// Equal rewards give exactly 0 without a prior. With one they give κ·(r - b0)/(W - w_i + κ): forcing 0 would bias the
// gradient, as enumerating the groups of a bandit shows (TestShrunkAndForcedToZeroIsBiased).
//
// Source: the baseline E[w·r]/E[w] is Greensmith, Bartlett and Baxter 2004, JMLR 5; the paper that pairs it with an
// adaptive rate is OBLR-PO, Huang et al. 2025, arXiv:2511.23310. Leaving one out and shrinking are derived here.
func WeightedLeaveOneOut(rewards, weights []float64, p Prior) []float64 {
	out := make([]float64, len(rewards))
	n, equal := scoredOf(rewards)
	if n < 2 && len(rewards) > 1 || n > 1 && equal && p.Kappa == 0 {
		return out
	}
	for i, r := range rewards {
		if !math.IsNaN(r) {
			out[i] = r - leaveOneOut(rewards, weights, i, p)
		}
	}
	return out
}

// leaveOneOut is b_i. Its sums run over the others: W - w_i would cancel where w_i is most of W.
func leaveOneOut(rewards, weights []float64, i int, p Prior) float64 {
	var w, wr, sum, n float64
	for j, r := range rewards {
		if j == i || math.IsNaN(r) {
			continue
		}
		w += weightAt(weights, j)
		wr += weightAt(weights, j) * r
		sum += r
		n++
	}
	switch {
	case w+p.Kappa >= leastWeight:
		return (wr + p.Kappa*p.Baseline) / (w + p.Kappa)
	case n > 0:
		return sum / n
	}
	return 0
}

// WeightedCentred subtracts the weighted mean of the group, each sample's own reward included:
//
//	A_i = r_i - Σ_j w_j·r_j/Σ_j w_j
//
// Sample i's gradient shrinks by 1 - w_i/W, so the sum is biased in length and, as w differs by outcome, in direction.
// With the samples' lengths as weights it is OPO. rewards, weights and the result are [G].
//
// Source: OPO, Hao et al. 2025, arXiv:2505.23585.
func WeightedCentred(rewards, weights []float64) []float64 {
	out := make([]float64, len(rewards))
	if n, equal := scoredOf(rewards); n < 2 || equal {
		return out
	}
	b := WeightedMean(rewards, weights)
	for i, r := range rewards {
		if !math.IsNaN(r) {
			out[i] = r - b
		}
	}
	return out
}

// WeightedMean is Σ w·r/Σ w over the scored samples, their plain mean where the weights add up to less than 1e-12, and
// NaN when there are none.
func WeightedMean(rewards, weights []float64) float64 {
	var w, wr, sum, n float64
	for j, r := range rewards {
		if !math.IsNaN(r) {
			w += weightAt(weights, j)
			wr += weightAt(weights, j) * r
			sum += r
			n++
		}
	}
	if w < leastWeight {
		return sum / n
	}
	return wr / w
}

func weightAt(weights []float64, i int) float64 {
	if weights == nil {
		return 1
	}
	return weights[i]
}

// scoredOf counts the rewards that are not missing, and says whether they are all equal.
func scoredOf(rewards []float64) (n int, equal bool) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range rewards {
		if !math.IsNaN(r) {
			n++
			low, high = min(low, r), max(high, r)
		}
	}
	return n, low == high
}
