package advantage

import (
	"fmt"
	"math"
)

// PassAtK trains for at least one right answer among k: each sample gets the mean pass@k of the subsets of size k that
// hold it, scaled as in [GroupScaled].
//
//	r_i = 1 if right, else 1 - C(G-c-1, k-1)/C(G-1, k-1),   A_i = (r_i - mean r)/(s_r + 1e-4)
//
// c of the G scored samples are right. rewards are 0 or 1, k in 1 … G. rewards and the result are [G].
//
// Source: derived from the subsets; Chen et al. 2025, arXiv:2508.10751, has the same idea.
func PassAtK(rewards []float64, k int) ([]float64, error) {
	m := momentsOf(rewards)
	if m.n < 2 {
		return make([]float64, len(rewards)), nil
	}
	if k < 1 || float64(k) > m.n {
		return nil, fmt.Errorf("pass@k: k is %d, want 1 to the %v scored samples of the group", k, m.n)
	}
	wrong := 1 - choose(m.n-m.sum-1, k-1)/choose(m.n-1, k-1)
	parts := make([]float64, len(rewards))
	for i, r := range rewards {
		switch {
		case r == 1, math.IsNaN(r):
			parts[i] = r
		case r == 0:
			parts[i] = wrong
		default:
			return nil, fmt.Errorf("pass@k: reward of sample %d is %v, want 0 or 1", i, r)
		}
	}
	return GroupScaled(parts), nil
}

// choose is the binomial coefficient C(n, k), 0 for n < k.
func choose(n float64, k int) float64 {
	if n < float64(k) {
		return 0
	}
	c := 1.0
	for i := range k {
		c *= (n - float64(i)) / float64(i+1)
	}
	return c
}

// BestMinusSecond rewards only the best sample of a group, by how far it is ahead.
//
//	A_best = (R_best - R_second)/(s + 1e-6), the others 0
//
// rewards and the result are [G]. A tie at the top gives no advantage. Unlike the others it is not centred.
//
// Source: Tang et al. 2025, arXiv:2503.19595; verl's grpo_passk.
func BestMinusSecond(rewards []float64) []float64 {
	out := make([]float64, len(rewards))
	m := momentsOf(rewards)
	if m.flat() {
		return out
	}
	best, second := -1, math.Inf(-1)
	for i, r := range rewards {
		switch {
		case math.IsNaN(r):
		case best < 0 || r > rewards[best]:
			if best >= 0 {
				second = rewards[best]
			}
			best = i
		default:
			second = max(second, r)
		}
	}
	out[best] = (rewards[best] - second) / (m.deviation(rewards, 1) + 1e-6)
	return out
}
