package loss

import G "gorgonia.org/gorgonia"

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

// Multiplied scales an objective's terms by Inputs.Factor: entropy masks and importance weights, which must not touch
// the penalties that are added to it.
func Multiplied(o Objective) Objective {
	return func(x *Expr, t Tokens) *G.Node { return x.Mul(x.Vector(t.Given.Factor), o(x, t)) }
}

// WithKL adds [KL] to an objective; with beta 0 it is the objective itself, which then needs no reference.
func WithKL(o Objective, beta float64) Objective {
	if beta == 0 {
		return o
	}
	return Sum(o, KL(beta))
}
