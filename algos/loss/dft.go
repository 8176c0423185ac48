package loss

import G "gorgonia.org/gorgonia"

// DFT is the likelihood weighted by the token's own probability, held constant: tokens that the policy finds unlikely
// pull less, which undoes the 1/p in the gradient of [NLL].
//
//	term_t = -sg(p_t)·logp_t,   p_t = e^{logp_t}
//
// Result: [N], unreduced. Its value is not monotone in the fit: watch the plain likelihood.
//
// Source: Wu et al. 2025, arXiv:2508.05629.
func DFT() Objective {
	return func(x *Expr, t Tokens) *G.Node { return x.Neg(x.Mul(x.Exp(t.Held), t.LogP)) }
}
