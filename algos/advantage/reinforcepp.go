package advantage

import "math"

// ReinforcePP needs no group: the return of each token, with the KL to come as a cost, whitened over all trained tokens
// of the step.
//
//	G_t = R - β·Σ_{s >= t} k1_s,   A_t = (G_t - mean)/√(var + 1e-8),   var with N-1
//
// rewards are [groups][G], k1 = old - ref and the result [groups][G][T]. beta >= 0.
//
// Source: Hu et al. 2025, arXiv:2501.03262; verl's reinforce_plus_plus.
func ReinforcePP(rewards [][]float64, k1 [][][]float64, beta float64) [][][]float64 {
	out := make([][][]float64, len(rewards))
	for i, group := range rewards {
		out[i] = make([][]float64, len(group))
		for j, r := range group {
			g := make([]float64, len(k1[i][j]))
			for t := len(g) - 1; t >= 0; t-- {
				r -= beta * k1[i][j][t]
				g[t] = r
			}
			out[i][j] = g
		}
	}
	whiten(out)
	return out
}

// ReinforcePPBaseline centres within each group and whitens over all trained tokens of the step: long answers weigh
// more in the whitening.
//
//	A_i = (R_i - μ_group - mean)/√(var + 1e-8),   mean and var over tokens, with N-1
//
// rewards, lengths and the result are [groups][G]; every token of a sample has its advantage.
//
// Source: Hu et al. 2025, arXiv:2501.03262; verl's reinforce_plus_plus_baseline.
func ReinforcePPBaseline(rewards [][]float64, lengths [][]int) [][]float64 {
	tokens := make([][][]float64, len(rewards))
	for i, group := range rewards {
		tokens[i] = make([][]float64, len(group))
		for j, a := range GroupCentred(group) {
			if math.IsNaN(group[j]) {
				a = math.NaN()
			}
			for range lengths[i][j] {
				tokens[i][j] = append(tokens[i][j], a)
			}
		}
	}
	whiten(tokens)
	out := make([][]float64, len(rewards))
	for i, group := range tokens {
		out[i] = make([]float64, len(group))
		for j, t := range group {
			if len(t) > 0 {
				out[i][j] = t[0]
			}
		}
	}
	return out
}

// whiten brings tokens to mean 0 and variance 1 over the step. NaN is a missing sample's: it becomes 0.
func whiten(tokens [][][]float64) {
	var m moments
	var all []float64
	for _, group := range tokens {
		for _, sample := range group {
			for _, v := range sample {
				m.add(v)
				all = append(all, v)
			}
		}
	}
	s := 0.0
	if !m.flat() {
		s = m.deviation(all, 1)
	}
	for _, group := range tokens {
		for _, sample := range group {
			for t, v := range sample {
				if s > 0 && !math.IsNaN(v) {
					sample[t] = (v - m.mean()) / math.Sqrt(s*s+1e-8)
				} else {
					sample[t] = 0
				}
			}
		}
	}
}
