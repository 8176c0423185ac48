package loss

import G "gorgonia.org/gorgonia"

// KL is the penalty for leaving the reference, estimated per token by k3.
//
//	term_t = beta·(e^{-u_t} + u_t - 1),   u_t = logp_t - ref_t
//
// Result: [N], unreduced, never negative. beta > 0; 0.04 in GRPO. Its gradient is beta·(1 - e^{-u}): at most beta
// where the policy has gained a token, growing without bound where it has dropped one.
//
// Source: Schulman 2020, "Approximating KL divergence", k3; Shao et al. 2024, arXiv:2402.03300, eq. 4.
func KL(beta float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		u := x.Sub(t.LogP, t.Ref)
		k3 := x.Offset(x.Add(x.Exp(x.Neg(u)), u), -1)
		return x.Scale(beta, k3)
	}
}

// Sum adds objectives token by token. It wants at least one.
func Sum(first Objective, more ...Objective) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		total := first(x, t)
		for _, o := range more {
			total = x.Add(total, o(x, t))
		}
		return total
	}
}

// WithKL adds [KL] to an objective; with beta 0 it is the objective itself, which then needs no reference.
func WithKL(o Objective, beta float64) Objective {
	if beta == 0 {
		return o
	}
	return Sum(o, KL(beta))
}
