package advantage

// TokenOptions choose a baseline per token position.
type TokenOptions struct {
	Cumulative  bool // weights are summed up to the token
	LeaveOneOut bool // a sample's own return is left out of its baseline
	ZeroTail    bool // where a single sample is left its baseline is 0
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
// left out, and B is 0 where no other sample is left. Without, it is verl's arithmetic: 1e-8 in the denominator and B = 0
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
	if len(returns) == 1 {
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
	switch {
	case !o.LeaveOneOut && o.ZeroTail && others == 0:
		return 0
	case !o.LeaveOneOut:
		return wg / (w + verlEpsilon)
	case n == 0:
		return 0
	case w < leastWeight:
		return sum / float64(n)
	}
	return wg / w
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
