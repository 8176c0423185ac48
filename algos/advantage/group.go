// Package advantage holds the estimators: pure functions from the rewards of prompts' samples to their advantages.
//
// A NaN reward is missing: it leaves the mean, the deviation and every denominator, and its advantage is 0. Where a
// sample is judged against others of its prompt, fewer than two scored samples give no advantage. Equal rewards give
// exactly 0, which a float mean would miss.
package advantage

import "math"

// epsilon keeps nearly equal rewards from blowing up. TRL's value; verl uses 1e-6.
const epsilon = 1e-4

// moments are the sum, the number and the range of the scored rewards.
type moments struct{ sum, n, low, high float64 }

func (m *moments) add(r float64) {
	if math.IsNaN(r) {
		return
	}
	if m.n == 0 {
		m.low, m.high = r, r
	}
	m.sum += r
	m.n++
	m.low, m.high = min(m.low, r), max(m.high, r)
}

func momentsOf(rewards []float64) moments {
	var m moments
	for _, r := range rewards {
		m.add(r)
	}
	return m
}

// flat says that there is nothing to compare.
func (m moments) flat() bool { return m.n < 2 || m.low == m.high }

func (m moments) mean() float64 { return m.sum / m.n }

// deviation is the standard deviation of the scored rewards around the mean, with n-less in the divisor.
func (m moments) deviation(rewards []float64, less float64) float64 {
	sum, mean := 0.0, m.mean()
	for _, r := range rewards {
		if !math.IsNaN(r) {
			sum += (r - mean) * (r - mean)
		}
	}
	return math.Sqrt(sum / (m.n - less))
}

// GroupScaled centres and scales a group's rewards.
//
//	A_i = (R_i - μ)/(s + 1e-4),   s the standard deviation with G-1
//
// rewards and the result are [G].
//
// Source: Shao et al. 2024, arXiv:2402.03300, §4.1.2.
func GroupScaled(rewards []float64) []float64 { return scaled(rewards, 1) }

// GroupScaledBiased is [GroupScaled] with G in the deviation's divisor, as numpy has it.
func GroupScaledBiased(rewards []float64) []float64 { return scaled(rewards, 0) }

func scaled(rewards []float64, less float64) []float64 {
	out := GroupCentred(rewards)
	m := momentsOf(rewards)
	if m.flat() {
		return out
	}
	s := m.deviation(rewards, less)
	for i := range out {
		out[i] /= s + epsilon
	}
	return out
}

// GroupCentred subtracts a group's mean and does not scale, so that easy and hard prompts weigh the same.
//
//	A_i = R_i - μ
//
// rewards and the result are [G].
//
// Source: Dr. GRPO, Liu et al. 2025, arXiv:2503.20783.
func GroupCentred(rewards []float64) []float64 {
	out := make([]float64, len(rewards))
	m := momentsOf(rewards)
	if m.flat() {
		return out
	}
	for i, r := range rewards {
		if !math.IsNaN(r) {
			out[i] = r - m.mean()
		}
	}
	return out
}
