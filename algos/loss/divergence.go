package loss

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// Divergence is φ of a supervised loss by implicit reward: φ(u) = -f*(-u) for the f-divergence between policy and
// demonstrations, f shifted so that φ(0) = 0 and φ'(0) = 1. u is the implicit reward. With guard, φ goes on along its
// tangent (or, for χ², on its maximum) where it would turn around or has a pole; it stays concave and smooth.
type Divergence func(x *Expr, u *G.Node, guard bool) *G.Node

// Implicit is supervised training by the implicit reward of the demonstrated tokens.
//
//	term_t = -φ(u_t)/β,   u_t = β·(logp_t - ref_t),   so d term/d logp = -φ'(u_t)
//
// Result: [N], unreduced. At the reference every φ has the gradient of [NLL]; as a token rises above the reference its
// weight φ' falls, felt from a log-ratio of about 1/β nats on. β > 0. The reference is the policy at the stage's start.
//
// Source: Wang et al. 2025, arXiv:2507.00018, from whose two-level problem the form is derived: with
// J = E[φ(r)] - β·E[log Z_r] and r = u, for which Z = 1.
func Implicit(phi Divergence, beta float64, guard bool) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		u := x.Scale(beta, x.Sub(t.LogP, t.Ref))
		return x.Scale(-1/beta, phi(x, u, guard))
	}
}

// ImplicitSequence is [Implicit] on the mean log-ratio of each sequence: one u a sequence, given to all its tokens.
// It couples the tokens of a sequence.
func ImplicitSequence(phi Divergence, beta float64, guard bool) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		u := x.Scale(beta, x.SequenceMean(x.Sub(t.LogP, t.Ref)))
		return x.Spread(x.Scale(-1/beta, phi(x, u, guard)))
	}
}

// TotalVariation is φ(u) = u: maximum likelihood up to a constant.
func TotalVariation(_ *Expr, u *G.Node, _ bool) *G.Node { return u }

// ChiSquare is Pearson's: φ(u) = u - u²/4. The guard holds it at its maximum from u = 2 on: without it such tokens are
// unlearned.
func ChiSquare(x *Expr, u *G.Node, guard bool) *G.Node {
	if guard {
		u = x.Min(x.like(u, 2), u)
	}
	return x.Sub(u, x.Scale(0.25, x.Square(u)))
}

// Hellinger is the squared Hellinger distance: φ(u) = u/(1+u), with a pole at -1. Guard: the tangent below -1/2.
func Hellinger(x *Expr, u *G.Node, guard bool) *G.Node {
	return tangent(x, u, guard, -0.5, 4, func(v *G.Node) *G.Node { return x.Div(v, x.Offset(v, 1)) })
}

// JensenShannon is φ(u) = log(2 - e^{-u}), defined for u > -log 2. Guard: the tangent below -1/2.
func JensenShannon(x *Expr, u *G.Node, guard bool) *G.Node {
	return tangent(x, u, guard, -0.5, 1/(2*math.Exp(-0.5)-1), func(v *G.Node) *G.Node {
		return x.Log1p(x.Neg(x.Expm1(x.Neg(v))))
	})
}

// ForwardKL is KL(demonstrations‖policy): φ(u) = log(1+u), with a pole at -1. Guard: the tangent below -1/2.
func ForwardKL(x *Expr, u *G.Node, guard bool) *G.Node {
	return tangent(x, u, guard, -0.5, 2, x.Log1p)
}

// ReverseKL is KL(policy‖demonstrations): φ(u) = 1 - e^{-u}. Guard: the tangent below -2, where the weight is 7.4.
func ReverseKL(x *Expr, u *G.Node, guard bool) *G.Node {
	return tangent(x, u, guard, -2, math.Exp(2), func(v *G.Node) *G.Node { return x.Neg(x.Expm1(x.Neg(v))) })
}

// tangent is φ(u) from u0 on, and φ(u0) + slope·(u - u0) below. At u0 the gradient comes from one branch only.
func tangent(x *Expr, u *G.Node, guard bool, u0, slope float64, phi func(*G.Node) *G.Node) *G.Node {
	if !guard {
		return phi(u)
	}
	below := x.Offset(x.Min(x.like(u, u0), u), -u0)
	return x.Add(phi(x.AtLeast(u, u0)), x.Scale(slope, below))
}
