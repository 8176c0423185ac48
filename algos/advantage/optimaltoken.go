package advantage

import (
	"math"
	"slices"
)

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
	out := make([][]float64, len(rewards))
	var scored []int
	var returns, weights [][]float64
	for i, r := range rewards {
		out[i] = make([]float64, len(logp[i]))
		if math.IsNaN(r) {
			continue
		}
		scored = append(scored, i)
		returns = append(returns, slices.Repeat([]float64{r}, len(logp[i])))
		var w []float64
		for t, l := range logp[i] {
			w = append(w, Energy(math.Exp(l), sumP2[i][t]))
		}
		weights = append(weights, w)
	}
	if len(scored) < 2 {
		return out
	}
	for k, a := range PerToken(returns, weights, UpToToken) {
		out[scored[k]] = a
	}
	return out
}
