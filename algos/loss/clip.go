package loss

import G "gorgonia.org/gorgonia"

// Clip is the clipped surrogate of PPO, shared by GRPO and its relatives.
//
//	term_t = -min(ρ_t·A_t, clip(ρ_t, 1-low, 1+high)·A_t),   ρ_t = exp(logp_t - old_t)
//
// Result: [N], unreduced; which group method it is, the token weights decide (see [Reduction]).
// Where the clip is active the gradient is zero. low is in (0, 1), high > 0; 0.2 in PPO.
// On the first pass over a rollout ρ is exactly 1, a tie of min: the gradient is then -A, that of REINFORCE.
//
// Source: Schulman et al. 2017, arXiv:1707.06347, eq. 7. Unequal bounds: DAPO, arXiv:2503.14476.
func Clip(low, high float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		ratio := x.Exp(x.Sub(t.LogP, t.Old))
		clipped := x.Clamp(ratio, 1-low, 1+high)
		return x.Neg(x.Min(x.Mul(ratio, t.Adv), x.Mul(clipped, t.Adv)))
	}
}
