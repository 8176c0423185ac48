package advantage

import "math"

// ReMax judges each sample by the reward of the greedy completion of its prompt.
//
//	A_i = R_i - R(greedy)
//
// rewards and the result are [G]; one sample is enough. A missing greedy reward gives no advantage.
//
// Source: Li et al. 2023, arXiv:2310.10505.
func ReMax(rewards []float64, greedy float64) []float64 {
	out := make([]float64, len(rewards))
	for i, r := range rewards {
		if !math.IsNaN(r - greedy) {
			out[i] = r - greedy
		}
	}
	return out
}
