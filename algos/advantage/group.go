// Package advantage holds the estimators: pure functions from the rewards of a prompt's samples to their
// advantages. A NaN reward is missing: it leaves the mean and the deviation, and its advantage is 0.
package advantage

import "math"

// epsilon keeps nearly equal rewards from blowing up. TRL's value; verl uses 1e-6.
const epsilon = 1e-4

// GroupScaled centres and scales a group's rewards.
//
//	A_i = (R_i - μ)/(s + 1e-4),   s the standard deviation with G-1
//
// rewards and the result are [G]. If all scored rewards are equal every advantage is exactly 0, which a float mean
// would miss. Fewer than two scored samples give no advantage.
//
// Source: Shao et al. 2024, arXiv:2402.03300, §4.1.2.
func GroupScaled(rewards []float64) []float64 {
	out := GroupCentred(rewards)
	var sum, n float64
	for i, r := range rewards {
		if !math.IsNaN(r) {
			sum += out[i] * out[i]
			n++
		}
	}
	if n < 2 {
		return out
	}
	s := math.Sqrt(sum / (n - 1))
	for i := range out {
		out[i] /= s + epsilon
	}
	return out
}

// GroupCentred subtracts a group's mean and does not scale, so that easy and hard prompts weigh the same.
//
//	A_i = R_i - μ
//
// rewards and the result are [G]. Equal rewards give exactly 0; fewer than two scored samples give no advantage.
//
// Source: Dr. GRPO, Liu et al. 2025, arXiv:2503.20783.
func GroupCentred(rewards []float64) []float64 {
	out := make([]float64, len(rewards))
	var sum, n float64
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range rewards {
		if math.IsNaN(r) {
			continue
		}
		sum += r
		n++
		low, high = min(low, r), max(high, r)
	}
	if n < 2 || low == high {
		return out
	}
	mean := sum / n
	for i, r := range rewards {
		if !math.IsNaN(r) {
			out[i] = r - mean
		}
	}
	return out
}
