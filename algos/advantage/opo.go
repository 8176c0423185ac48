package advantage

import "math"

// OPO judges each sample by the mean reward of its group weighted by length: the baseline of least variance when the
// squared gradient of an answer grows with its length.
//
//	A_i = R_i - Σ_j T_j·R_j/Σ_j T_j
//
// rewards, lengths and the result are [G]; lengths in trained tokens.
//
// Source: Hao et al. 2025, arXiv:2505.23585.
func OPO(rewards []float64, lengths []int) []float64 {
	out := make([]float64, len(rewards))
	sum, tokens := 0.0, 0.0
	for i, r := range rewards {
		if !math.IsNaN(r) {
			sum += r * float64(lengths[i])
			tokens += float64(lengths[i])
		}
	}
	if momentsOf(rewards).flat() || tokens == 0 {
		return out
	}
	for i, r := range rewards {
		if !math.IsNaN(r) {
			out[i] = r - sum/tokens
		}
	}
	return out
}
