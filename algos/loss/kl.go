package loss

import (
	"fmt"

	G "gorgonia.org/gorgonia"
)

// KL is the penalty for leaving the reference, estimated per token by k3.
//
//	term_t = beta·(e^{-u_t} + u_t - 1),   u_t = logp_t - ref_t
//
// Result: [N], unreduced, never negative. beta > 0; 0.04 in GRPO. Its gradient is beta·(1 - e^{-u}): at most beta
// where the policy has gained a token, growing without bound where it has dropped one.
//
// Source: Schulman 2020, "Approximating KL divergence", k3; Shao et al. 2024, arXiv:2402.03300, eq. 4.
func KL(beta float64) Objective {
	return func(x *Expr, t Tokens) *G.Node { return x.Scale(beta, x.k3(x.Sub(t.LogP, t.Ref))) }
}

// k3 is e^{-u} + u - 1.
func (x *Expr) k3(u *G.Node) *G.Node { return x.Offset(x.Add(x.Exp(x.Neg(u)), u), -1) }

// KLSquared is the penalty by k2: beta·u²/2. Its gradient, beta·u, is on average the true one of the reverse KL.
//
// Source: Schulman 2020, "Approximating KL divergence", k2.
func KLSquared(beta float64) Objective {
	return func(x *Expr, t Tokens) *G.Node { return x.Scale(beta/2, x.Square(x.Sub(t.LogP, t.Ref))) }
}

// KLCorrected is k3 weighted by the ratio of new to old policy: beta·ρ·k3. Its gradient, beta·ρ·u, is on average that
// of the reverse KL, also when the samples are an older policy's.
//
// Source: DeepSeek-V3.2, arXiv:2512.02556; TRL's use_bias_correction_kl.
func KLCorrected(beta float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		ratio := x.Exp(x.Sub(t.LogP, t.Old))
		return x.Scale(beta, x.Mul(ratio, x.k3(x.Sub(t.LogP, t.Ref))))
	}
}

// KLPenalty is the penalty of an estimator by name: k2, k3, or k3_corrected. k1 is refused: in a loss, its gradient is
// beta on every token, which is zero on average, whatever the reference. It belongs in the reward.
func KLPenalty(estimator string, beta float64) (Objective, error) {
	switch estimator {
	case "k2":
		return KLSquared(beta), nil
	case "k3":
		return KL(beta), nil
	case "k3_corrected":
		return KLCorrected(beta), nil
	case "k1":
		return nil, fmt.Errorf("kl is k1, want k2, k3 or k3_corrected: in the loss the gradient of k1 has mean zero, it belongs in the reward")
	}
	return nil, fmt.Errorf("kl is %q, want k2, k3 or k3_corrected", estimator)
}

// EntropyBonus rewards a spread-out policy: term_t = -coef·H_t. Its gradient goes into the entropy, Output.DEntropy.
// coef > 0. Result: [N], unreduced.
//
// Source: Williams and Peng 1991; Mnih et al. 2016, arXiv:1602.01783.
func EntropyBonus(coef float64) Objective {
	return func(x *Expr, t Tokens) *G.Node { return x.Scale(-coef, t.Entropy) }
}
