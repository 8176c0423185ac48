package loss

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// margin is z = β·(d_w - d_l).
func (x *Expr) margin(beta float64, w, l *G.Node) *G.Node { return x.Scale(beta, x.Sub(w, l)) }

// Logistic is the loss of DPO: -log σ(z), z = β·(d_w - d_l). β > 0, 0.1 as a rule. Divided by length (sigmoid_norm in
// TRL) it wants a β of 1 to 10, because log-ratios are then small.
//
// Source: Rafailov et al. 2023, arXiv:2305.18290, eq. 7.
func Logistic(beta float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node { return x.Neg(x.LogSigmoid(x.margin(beta, w, l))) }
}

// Conservative is cDPO, for labels that are wrong with probability eps: -(1-ε)·log σ(z) - ε·log σ(-z). eps in [0, 1/2);
// its optimum is z = log((1-ε)/ε).
//
// Source: Mitchell 2023, "A note on DPO with noisy preferences".
func Conservative(beta, eps float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node { return x.noisy(x.margin(beta, w, l), -(1 - eps), -eps) }
}

// Robust is the unbiased form of [Conservative]: [-(1-ε)·log σ(z) + ε·log σ(-z)]/(1-2ε). Its gradient never reaches 0.
//
// Source: Chowdhury et al. 2024, arXiv:2403.00409.
func Robust(beta, eps float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node {
		return x.noisy(x.margin(beta, w, l), -(1-eps)/(1-2*eps), eps/(1-2*eps))
	}
}

// noisy is a·log σ(z) + b·log σ(-z).
func (x *Expr) noisy(z *G.Node, a, b float64) *G.Node {
	return x.Add(x.Scale(a, x.LogSigmoid(z)), x.Scale(b, x.LogSigmoid(x.Neg(z))))
}

// EXO is the reverse KL between the pair's preference under the policy and labels smoothed by eps:
// σ(z)·[log σ(z) - log(1-ε)] + σ(-z)·[log σ(-z) - log ε]. eps in (0, 1/2); 1e-3 in TRL.
//
// Source: Ji et al. 2024, arXiv:2402.00856.
func EXO(beta, eps float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node {
		z := x.margin(beta, w, l)
		side := func(z *G.Node, label float64) *G.Node {
			return x.Mul(x.Sigmoid(z), x.Offset(x.LogSigmoid(z), -math.Log(label)))
		}
		return x.Add(side(z, 1-eps), side(x.Neg(z), eps))
	}
}

// DPOP adds a cost on chosen answers that lose likelihood: -log σ(β·(d_w - d_l - λ·max(0, -d_w))). lambda >= 0; 5 to 50.
//
// Source: Smaug, Pal et al. 2024, arXiv:2402.13228.
func DPOP(beta, lambda float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node {
		return Logistic(beta)(x, x.Sub(w, x.Scale(lambda, x.Relu(x.Neg(w)))), l)
	}
}

// DiscoPOP is the loss that was found by search: (1-s)·(-log σ(z)) + s·e^{-z}, s = σ(z/τ). tau > 0, 0.05. Not convex.
// s·e^{-z} is written exp(-z + log σ(z/τ)), which does not overflow.
//
// Source: Lu et al. 2024, arXiv:2406.08414 (log-ratio modulated loss).
func DiscoPOP(beta, tau float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node {
		z := x.margin(beta, w, l)
		gate := x.Scale(1/tau, z)
		logistic := x.Mul(x.Sigmoid(x.Neg(gate)), x.Neg(x.LogSigmoid(z)))
		return x.Add(logistic, x.Exp(x.Sub(x.LogSigmoid(gate), z)))
	}
}
