package loss

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// GSPO clips one ratio for a whole answer, the geometric mean of its tokens'.
//
//	term_t = -min(s_i·A_t, clip(s_i, 1-low, 1+high)·A_t),   s_i = exp(Σ_t (logp_t - old_t)/T_i)
//
// Result: [N], unreduced; it couples the tokens of a sequence. low and high are far smaller than for [Clip]: 3e-4 and
// 4e-4 in the paper. Under [SequenceSum] in place of [SequenceMean] it is LUSPO.
//
// Source: Zheng et al. 2025, arXiv:2507.18071, eq. 5 and 7. LUSPO: arXiv:2602.05261.
func GSPO(low, high float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		ratio := x.Exp(x.Spread(x.SequenceMean(x.Sub(t.LogP, t.Old))))
		return x.surrogate(ratio, ratio, t.Adv, low, high)
	}
}

// GSPOToken has the ratio of [GSPO] with the gradient of each token, so that advantages may differ within an answer.
//
//	s_t = sg(s_i)·exp(logp_t - sg(logp_t))
//
// Result: [N], unreduced; it couples the tokens of a sequence through a constant only.
//
// Source: Zheng et al. 2025, arXiv:2507.18071.
func GSPOToken(low, high float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		held := x.Spread(x.SequenceMean(x.Sub(t.Held, t.Old)))
		ratio := x.Exp(x.Add(x.Sub(t.LogP, t.Held), held))
		return x.surrogate(ratio, ratio, t.Adv, low, high)
	}
}

// SequenceClip clips the ratio of the whole answer's probability: RLOO's loss in TRL.
//
//	term_t = -min(P_i·A_t, clip(P_i, 1-low, 1+high)·A_t),   P_i = exp(Σ_t logp_t - old_t)
//
// Result: [N], unreduced; it couples the tokens of a sequence.
//
// Source: Ahmadian et al. 2024, arXiv:2402.14740, with PPO's clip on the sequence as in TRL.
func SequenceClip(low, high float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		ratio := x.Exp(x.Spread(x.PerSequence(x.Sub(t.LogP, t.Old))))
		return x.surrogate(ratio, ratio, t.Adv, low, high)
	}
}

// GMPO is the geometric mean of an answer's ratios, each clipped in the log on the side where its advantage pushes.
//
//	term_t = -A_t·exp(Σ_t c_t/T_i),   c_t = min(logp_t - old_t, high) where A > 0, else max(logp_t - old_t, -low)
//
// Result: [N], unreduced; it couples the tokens of a sequence. low and high > 0, in nats: 0.4.
//
// Source: Zhao et al. 2025, arXiv:2507.20673.
func GMPO(low, high float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		good := func(a float64) bool { return a > 0 }
		d := x.Sub(t.LogP, t.Old)
		d = x.Max(d, x.bySign(t, good, -math.MaxFloat64, -low))
		d = x.Min(d, x.bySign(t, good, high, math.MaxFloat64))
		return x.Neg(x.Mul(t.Adv, x.Exp(x.Spread(x.SequenceMean(d)))))
	}
}

// VESPO weighs each answer by a smooth function of its whole ratio, held constant.
//
//	term_t = -sg(φ(W_i))·A_t·logp_t,   φ(W) = e^λ·W^k·e^{-λW},   W_i = exp(Σ_t logp_t - old_t)
//
// k and λ are those of the sign of A. Log-ratios are kept within ±20, log W within [log 1e-8, 20]. φ(1) = 1. Result: [N],
// unreduced; it couples the tokens of a sequence. kPos, lambdaPos: 2, 3 (A >= 0); kNeg, lambdaNeg: 3, 2.
//
// Source: arXiv:2602.10693, as in TRL.
func VESPO(kPos, lambdaPos, kNeg, lambdaNeg float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		good := func(a float64) bool { return a >= 0 }
		d := x.Clamp(x.Sub(t.Held, t.Old), -maxLogRatio, maxLogRatio)
		w := x.Spread(x.Clamp(x.PerSequence(d), math.Log(1e-8), maxLogRatio))
		k, lambda := x.bySign(t, good, kPos, kNeg), x.bySign(t, good, lambdaPos, lambdaNeg)
		phi := x.Exp(x.Sub(x.Add(lambda, x.Mul(k, w)), x.Mul(lambda, x.Exp(w))))
		return x.Neg(x.Mul(x.Mul(phi, t.Adv), t.LogP))
	}
}
