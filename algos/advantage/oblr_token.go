package advantage

import (
	"math"
	"slices"
)

// TokenOptions choose a baseline per token position.
type TokenOptions struct {
	Cumulative  bool // weights are summed up to the token
	LeaveOneOut bool // a sample's own return is left out of its baseline
	ZeroTail    bool // where a single sample is left its baseline is 0

	// Prior, with LeaveOneOut, shrinks: as if Kappa tokens of weight 1 with return Baseline stood beside the group's, or
	// Kappa·t up to the t-th token with Cumulative. Neither may depend on the group.
	Prior Prior
}

var (
	// OwnToken weighs a position by its own token's squared score norm, and leaves the sample out. It is the proxy that
	// drops the terms between tokens.
	OwnToken = TokenOptions{LeaveOneOut: true}
	// UpToToken is verl's optimal_token_baseline: weights up to the token, the sample's own return included.
	UpToToken = TokenOptions{Cumulative: true, ZeroTail: true}
)

// verlEpsilon is what verl adds to the denominator of its token baseline.
const verlEpsilon = 1e-8

// PerToken gives each token the advantage over a baseline of its position:
//
//	A_it = G_it - B_it,   B_it = Σ_j W_jt·G_jt/Σ_j W_jt over the samples j that have a token t
//	W_jt = w_jt, or Σ_{u≤t} w_ju with Cumulative
//
// returns are the rewards to go G and weights the w, both [G][T_i]; the result has their shape. With LeaveOneOut j = i is
// left out, and where no other sample is left B is the prior's, 0 without one. Without, it is verl's arithmetic: 1e-8 in the denominator and B = 0
// for a group of one.
//
// No baseline of this kind is optimal: on-policy the best constant at t is E[s_t·Σ_u s_u·G_u]/E|s_t|², which takes the dot
// product of a token's score with the sequence's.
//
// Source: the optimal token baseline of Li et al. 2026, arXiv:2602.07078, as verl computes it.
func PerToken(returns, weights [][]float64, o TokenOptions) [][]float64 {
	if o.Cumulative {
		weights = cumulated(weights)
	}
	out := make([][]float64, len(returns))
	for i, g := range returns {
		out[i] = make([]float64, len(g))
		for t := range g {
			out[i][t] = g[t] - o.at(returns, weights, i, t)
		}
	}
	return out
}

// at is the baseline of token t of sample i.
func (o TokenOptions) at(returns, weights [][]float64, i, t int) float64 {
	if len(returns) == 1 && !o.LeaveOneOut {
		return 0
	}
	var w, wg, sum float64
	others, n := 0, 0
	for j, g := range returns {
		if t >= len(g) {
			continue
		}
		if j != i {
			others++
		} else if o.LeaveOneOut {
			continue
		}
		w += weights[j][t]
		wg += weights[j][t] * g[t]
		sum += g[t]
		n++
	}
	if o.LeaveOneOut {
		kappa := o.Prior.Kappa
		if o.Cumulative {
			kappa *= float64(t + 1)
		}
		w, wg = w+kappa, wg+kappa*o.Prior.Baseline
	}
	switch {
	case !o.LeaveOneOut && o.ZeroTail && others == 0:
		return 0
	case !o.LeaveOneOut:
		return wg / (w + verlEpsilon)
	case w >= leastWeight:
		return wg / w
	case n == 0:
		return 0
	}
	return sum / float64(n)
}

// UpToTokenLeaveOneOut gives each token the advantage over what the other samples say of answers up to its position: a
// sample weighs the energy of its score so far, shrunk towards earlier steps.
//
//	A_it = r_i - (Σ_{j≠i} W_jt·r_j + κ·t·b0)/(Σ_{j≠i} W_jt + κ·t),   W_jt = Σ_{u≤t} e_ju,   t from 1
//
// over the scored samples j that have a token t. rewards are [G], energies and the result [G][T]. B doesn't see sample i,
// and no token's score sees the position it stands at, so the gradient stays unbiased. Without a prior equal rewards give
// exactly 0, and so do fewer than two scored samples.
//
// Source: [PerToken]; leaving one out and shrinking are derived here.
func UpToTokenLeaveOneOut(rewards []float64, energies [][]float64, p Prior) [][]float64 {
	out := make([][]float64, len(rewards))
	var scored []int
	var returns, weights [][]float64
	for i, r := range rewards {
		out[i] = make([]float64, len(energies[i]))
		if !math.IsNaN(r) {
			scored = append(scored, i)
			returns = append(returns, slices.Repeat([]float64{r}, len(energies[i])))
			weights = append(weights, energies[i])
		}
	}
	n, equal := scoredOf(rewards)
	if n < 2 && len(rewards) > 1 || n > 1 && equal && p.Kappa == 0 {
		return out
	}
	for k, a := range PerToken(returns, weights, TokenOptions{Cumulative: true, LeaveOneOut: true, Prior: p}) {
		out[scored[k]] = a
	}
	return out
}

func cumulated(weights [][]float64) [][]float64 {
	out := make([][]float64, len(weights))
	for i, w := range weights {
		sum := 0.0
		for _, x := range w {
			sum += x
			out[i] = append(out[i], sum)
		}
	}
	return out
}

// Energy is the squared norm of ∂log p_y/∂logits, from a token's probability p and Σ_v p_v²:
//
//	e = 1 - 2·p_y + Σ_v p_v²,   in [0, 2]
//
// A rounding below 0 becomes 0.
func Energy(p, sumP2 float64) float64 { return max(0, 1-2*p+sumP2) }
