package advantage

import "math"

// OptimalToken has a baseline for each position: the group's rewards weighted by how large the gradient of each answer
// is so far.
//
//	A_it = R_i - Σ_j R_j·W_jt/(Σ_j W_jt + 1e-8),   W_jt = Σ_{s <= t} (1 - 2p_js + Σ_v p_v²)
//
// over the scored samples j that reach t. logp is the log-prob of each token and sumP2 is Σ_v p_v² there, both under the
// policy that sampled: the energy of the log-prob's gradient at the logits. Past the second-longest answer there is
// nobody to compare with, and the baseline is 0. rewards are [G], logp, sumP2 and the result [G][T].
//
// Source: verl's optimal_token_baseline.
func OptimalToken(rewards []float64, logp, sumP2 [][]float64) [][]float64 {
	out, energy := make([][]float64, len(rewards)), make([][]float64, len(rewards))
	longest, second := 0, 0
	for i, r := range rewards {
		out[i] = make([]float64, len(logp[i]))
		if math.IsNaN(r) {
			continue
		}
		sum := 0.0
		for t, l := range logp[i] {
			sum += 1 - 2*math.Exp(l) + sumP2[i][t]
			energy[i] = append(energy[i], sum)
		}
		if n := len(logp[i]); n > longest {
			longest, second = n, longest
		} else {
			second = max(second, n)
		}
	}
	if momentsOf(rewards).n < 2 {
		return out
	}
	for t := range longest {
		num, den := 0.0, 1e-8
		for i, r := range rewards {
			if t < second && t < len(energy[i]) {
				num += r * energy[i][t]
				den += energy[i][t]
			}
		}
		for i, r := range rewards {
			if t < len(energy[i]) {
				out[i][t] = r - num/den
			}
		}
	}
	return out
}
