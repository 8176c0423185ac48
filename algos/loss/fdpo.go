package loss

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// The functions of this file are f'(e^d) for [DPO.Divergence]: DPO under another divergence than reverse KL, for which
// it is d itself. Exponents are cut off at 80, where float32 nearly ends.
//
// Source: Wang et al. 2023, arXiv:2309.16240, table 1.

const maxExponent = 80

// ForwardKLRatio is 1 - e^{-d}.
func ForwardKLRatio(x *Expr, d *G.Node) *G.Node {
	return x.Neg(x.Expm1(x.AtMost(x.Neg(d), maxExponent)))
}

// JensenShannonRatio is log 2 + log σ(d).
func JensenShannonRatio(x *Expr, d *G.Node) *G.Node { return x.Offset(x.LogSigmoid(d), math.Ln2) }

// AlphaRatio is (e^{(α-1)d} - 1)/(α-1); alpha is not 1, at which it tends to d.
func AlphaRatio(alpha float64) func(x *Expr, d *G.Node) *G.Node {
	return func(x *Expr, d *G.Node) *G.Node {
		return x.Scale(1/(alpha-1), x.Expm1(x.AtMost(x.Scale(alpha-1, d), maxExponent)))
	}
}
