package loss

import (
	"errors"
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Expr builds one expression over vectors of N trained tokens. It keeps the first error, as bufio.Writer does: an
// objective is written as plain algebra and [Eval] reports what went wrong. It is also the one place for Gorgonia's
// traps: every operand is a vector (min and max refuse scalars), and log(1+exp) is never written out.
//
// There is no stop-gradient. A constant is a second input: [Tokens.Old] holds the same numbers as [Tokens.LogP] on
// the first pass, and no gradient flows into it.
type Expr struct {
	g      *G.ExprGraph
	n      int
	consts int
	err    error
}

// Tokens are the inputs of an objective, vectors of N trained tokens. The gradient is taken with respect to LogP
// alone. An input that the caller did not give is nil, and an expression that uses it is an error.
type Tokens struct {
	LogP *G.Node // log-probs under the policy
	Old  *G.Node // log-probs under the policy that sampled, constant
	Ref  *G.Node // log-probs under the reference, constant
	Adv  *G.Node // advantages, constant
}

// errMissingInput says that an objective used an input which the caller left out.
var errMissingInput = errors.New("objective uses an input that was not given")

// input is a vector with values; values are copied, because the machine may write into them.
func (x *Expr) input(name string, values []float64) *G.Node {
	t := tensor.New(tensor.WithShape(x.n), tensor.WithBacking(append([]float64(nil), values...)))
	return G.NewVector(x.g, tensor.Float64, G.WithShape(x.n), G.WithName(name), G.WithValue(t))
}

// Const is a vector of N times v.
func (x *Expr) Const(v float64) *G.Node {
	values := make([]float64, x.n)
	for i := range values {
		values[i] = v
	}
	x.consts++
	return x.input(fmt.Sprintf("const%d", x.consts), values)
}

func (x *Expr) unary(op func(*G.Node) (*G.Node, error), a *G.Node) *G.Node {
	if x.err != nil {
		return nil
	}
	if a == nil {
		x.err = errMissingInput
		return nil
	}
	out, err := op(a)
	x.err = err
	return out
}

func (x *Expr) binary(op func(a, b *G.Node) (*G.Node, error), a, b *G.Node) *G.Node {
	if x.err != nil {
		return nil
	}
	if a == nil || b == nil {
		x.err = errMissingInput
		return nil
	}
	out, err := op(a, b)
	x.err = err
	return out
}

// Add is a + b.
func (x *Expr) Add(a, b *G.Node) *G.Node { return x.binary(G.Add, a, b) }

// Sub is a - b.
func (x *Expr) Sub(a, b *G.Node) *G.Node { return x.binary(G.Sub, a, b) }

// Mul is a·b, element by element.
func (x *Expr) Mul(a, b *G.Node) *G.Node { return x.binary(G.HadamardProd, a, b) }

// Neg is -a.
func (x *Expr) Neg(a *G.Node) *G.Node { return x.unary(G.Neg, a) }

// Exp is e^a.
func (x *Expr) Exp(a *G.Node) *G.Node { return x.unary(G.Exp, a) }

// LogSigmoid is log σ(a) = -softplus(-a), which neither overflows nor loses its tail.
func (x *Expr) LogSigmoid(a *G.Node) *G.Node { return x.Neg(x.unary(G.Softplus, x.Neg(a))) }

// Scale is k·a.
func (x *Expr) Scale(k float64, a *G.Node) *G.Node { return x.Mul(x.Const(k), a) }

// Offset is a + k.
func (x *Expr) Offset(a *G.Node, k float64) *G.Node { return x.Add(a, x.Const(k)) }

// Min is the smaller of a and b. At a tie the whole gradient goes to a: put the branch that must stay alive first.
func (x *Expr) Min(a, b *G.Node) *G.Node { return x.binary(G.MinBetween, a, b) }

// Max is the larger of a and b. At a tie the whole gradient goes to a.
func (x *Expr) Max(a, b *G.Node) *G.Node { return x.binary(G.MaxBetween, a, b) }

// Clamp is a limited to [low, high]; outside, its gradient is 0.
func (x *Expr) Clamp(a *G.Node, low, high float64) *G.Node {
	return x.Min(x.Max(a, x.Const(low)), x.Const(high))
}
