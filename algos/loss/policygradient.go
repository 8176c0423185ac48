package loss

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// Reinforce is the plain policy gradient, for samples of the policy itself.
//
//	term_t = -A_t·logp_t
//
// Result: [N], unreduced.
//
// Source: Williams 1992; without clipping for language models Ahmadian et al. 2024, arXiv:2402.14740.
func Reinforce() Objective {
	return func(x *Expr, t Tokens) *G.Node { return x.Neg(x.Mul(t.Adv, t.LogP)) }
}

// maxLogRatio limits a log-ratio of new to old policy before it is exponentiated, where a source does.
const maxLogRatio = 20

// CISPO clips the importance weight and not the term: no token is ever dropped.
//
//	term_t = -sg(min(max(ρ_t, low), high))·A_t·logp_t,   ρ_t = exp(logp_t - old_t)
//
// Result: [N], unreduced. high > 0 is absolute, not 1+ε: 5 in TRL. low >= 0; 0 is none.
//
// Source: MiniMax-M1, arXiv:2506.13585.
func CISPO(low, high float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		weight := x.Clamp(x.Exp(x.Sub(t.Held, t.Old)), low, high)
		return x.Neg(x.Mul(x.Mul(weight, t.Adv), t.LogP))
	}
}

// SAPO replaces the clip by a soft gate.
//
//	term_t = -A_t·(4/τ)·σ(τ·(ρ_t - 1)),   τ = tauPos where A > 0, else tauNeg
//
// Result: [N], unreduced. At ρ = 1 its gradient is that of [Reinforce]. tauPos, tauNeg > 0: 1 and 1.05.
//
// Source: Gao et al. 2025, arXiv:2511.20347.
func SAPO(tauPos, tauNeg float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		tau := x.bySign(t, func(a float64) bool { return a > 0 }, tauPos, tauNeg)
		gate := x.Sigmoid(x.Mul(tau, x.Offset(x.Exp(x.Sub(t.LogP, t.Old)), -1)))
		return x.Scale(-4, x.Mul(t.Adv, x.Div(gate, tau)))
	}
}

// bySign is one of two constants for each token, by its advantage, [N].
func (x *Expr) bySign(t Tokens, first func(adv float64) bool, a, b float64) *G.Node {
	v := make([]float64, len(t.Given.Adv))
	for i, adv := range t.Given.Adv {
		v[i] = b
		if first(adv) {
			v[i] = a
		}
	}
	return x.Vector(v)
}

// DPPOTV trusts a region in probability, not in ratio: a token that has moved by more than its bound in the direction
// of its advantage is dropped.
//
//	term_t = -sg(min(ρ_t, limit)·valid_t)·A_t·logp_t
//	valid_t: p_t - p°_t <= high where A > 0, else p_t - p°_t >= -low
//
// Result: [N], unreduced. low and high in (0, 1]; limit > 0: 20 in verl.
//
// Source: verl's dppo_tv.
func DPPOTV(low, high, limit float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		if t.Adv == nil || t.Old == nil {
			return x.Fail(errMissingInput)
		}
		weight := make([]float64, x.n)
		for i, logp := range x.in.held {
			moved := math.Exp(logp) - math.Exp(t.Given.Old[i])
			if a := t.Given.Adv[i]; a > 0 && moved <= high || a <= 0 && moved >= -low {
				weight[i] = min(math.Exp(logp-t.Given.Old[i]), limit)
			}
		}
		return x.Neg(x.Mul(x.Mul(x.Vector(weight), t.Adv), t.LogP))
	}
}

// DRO holds the policy near the old one by a square, not by a clip.
//
//	term_t = -A_t·logp_t + (β/2)·(logp_t - old_t)²
//
// Result: [N], unreduced. beta > 0.
//
// Source: Richemond et al. 2024, arXiv:2405.19107, with the advantage in place of reward minus value.
func DRO(beta float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		return x.Sub(x.Scale(beta/2, x.Square(x.Sub(t.LogP, t.Old))), x.Mul(t.Adv, t.LogP))
	}
}
