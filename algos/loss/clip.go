package loss

import (
	"math"

	G "gorgonia.org/gorgonia"
)

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
		return x.surrogate(ratio, ratio, t.Adv, low, high)
	}
}

// surrogate is -min(live·A, clip(ratio)·A); live is the ratio, or the ratio with a bound of its own.
func (x *Expr) surrogate(live, ratio, adv *G.Node, low, high float64) *G.Node {
	return x.Neg(x.Min(x.Mul(live, adv), x.Mul(x.Clamp(ratio, 1-low, 1+high), adv)))
}

// TwoSided bounds the loss of bad tokens that have become likelier too.
//
//	term_t = -min(min(ρ_t, limit)·A_t, clip(ρ_t, 1-low, 1+high)·A_t)
//
// Result: [N], unreduced. limit > 1+high; 4.
//
// Source: INTELLECT-2, arXiv:2505.07291; delta in TRL.
func TwoSided(low, high, limit float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		ratio := x.Exp(x.Sub(t.LogP, t.Old))
		return x.surrogate(x.AtMost(ratio, limit), ratio, t.Adv, low, high)
	}
}

// DualClip is [Clip] with the loss of bad tokens bounded by -limit·A. The log-ratio is kept within ±20.
//
//	term_t = min(clip loss, -limit·A_t) where A < 0, else the clip loss
//
// Result: [N], unreduced. limit > 1; 3. Like [TwoSided], but the bound is on the term.
//
// Source: Ye et al. 2020, arXiv:1912.09729.
func DualClip(low, high, limit float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		ratio := x.Exp(x.Clamp(x.Sub(t.LogP, t.Old), -maxLogRatio, maxLogRatio))
		bound := make([]float64, len(t.Given.Adv))
		for i, a := range t.Given.Adv {
			bound[i] = math.MaxFloat64
			if a < 0 {
				bound[i] = -limit * a
			}
		}
		return x.Min(x.surrogate(ratio, ratio, t.Adv, low, high), x.Vector(bound))
	}
}
