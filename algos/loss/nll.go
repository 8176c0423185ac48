package loss

import G "gorgonia.org/gorgonia"

// NLL is the negative log-likelihood of the demonstrated token.
//
//	term_t = -logp_t
//
// Result: [N], unreduced.
func NLL() Objective {
	return func(x *Expr, t Tokens) *G.Node { return x.Neg(t.LogP) }
}
