package loss

import (
	"errors"
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Expr builds one expression over vectors: N trained tokens, B sequences or P pairs long. It keeps the first error, as
// bufio.Writer does: an objective is written as plain algebra and [Eval] reports what went wrong. It is also the one
// place for Gorgonia's traps: every operand is a vector (min and max refuse scalars), log(1+exp) is never written out,
// and its sigmoid and softplus, which are cut off at 19 and 16 and so wrong by 1e-7 there, are not used.
//
// There is no stop-gradient. A constant is a second input: [Tokens.Held] holds the same numbers as [Tokens.LogP], and
// no gradient flows into it.
type Expr struct {
	g      *G.ExprGraph
	n      int
	in     *Inputs
	seg    *segments // of the inputs' lengths, made when first used
	consts int
	ops    int
	err    error
}

// errMissingInput says that an objective used an input which the caller left out.
var errMissingInput = errors.New("objective uses an input that was not given")

// Fail keeps the first error of an expression that can't be built.
func (x *Expr) Fail(err error) *G.Node {
	if x.err == nil {
		x.err = err
	}
	return nil
}

// input is a vector with values; values are copied, because the machine may write into them.
func (x *Expr) input(name string, values []float64) *G.Node {
	n := len(values)
	t := tensor.New(tensor.WithShape(n), tensor.WithBacking(append([]float64(nil), values...)))
	return G.NewVector(x.g, tensor.Float64, G.WithShape(n), G.WithName(name), G.WithValue(t))
}

// Vector is a constant vector. No values at all are an input that was not given.
func (x *Expr) Vector(values []float64) *G.Node {
	if x.err != nil {
		return nil
	}
	if len(values) == 0 {
		return x.Fail(errMissingInput)
	}
	x.consts++
	return x.input(fmt.Sprintf("const%d", x.consts), values)
}

// like is v repeated, as long as a.
func (x *Expr) like(a *G.Node, v float64) *G.Node {
	if x.err != nil {
		return nil
	}
	if a == nil {
		return x.Fail(errMissingInput)
	}
	values := make([]float64, a.Shape()[0])
	for i := range values {
		values[i] = v
	}
	return x.Vector(values)
}

func (x *Expr) unary(op func(*G.Node) (*G.Node, error), a *G.Node) *G.Node {
	if x.err != nil {
		return nil
	}
	if a == nil {
		return x.Fail(errMissingInput)
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
		return x.Fail(errMissingInput)
	}
	if la, lb := a.Shape()[0], b.Shape()[0]; la != lb {
		return x.Fail(fmt.Errorf("operands have lengths %d and %d", la, lb))
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

// Div is a/b, element by element.
func (x *Expr) Div(a, b *G.Node) *G.Node { return x.binary(G.HadamardDiv, a, b) }

// Neg is -a.
func (x *Expr) Neg(a *G.Node) *G.Node { return x.unary(G.Neg, a) }

// Square is a².
func (x *Expr) Square(a *G.Node) *G.Node { return x.unary(G.Square, a) }

// Exp is e^a.
func (x *Expr) Exp(a *G.Node) *G.Node { return x.unary(G.Exp, a) }

// Expm1 is e^a - 1, exact near 0.
func (x *Expr) Expm1(a *G.Node) *G.Node { return x.unary(G.Expm1, a) }

// Log is the natural logarithm.
func (x *Expr) Log(a *G.Node) *G.Node { return x.unary(G.Log, a) }

// Log1p is log(1+a), exact near 0.
func (x *Expr) Log1p(a *G.Node) *G.Node { return x.unary(G.Log1p, a) }

// Scale is k·a.
func (x *Expr) Scale(k float64, a *G.Node) *G.Node { return x.Mul(x.like(a, k), a) }

// Offset is a + k.
func (x *Expr) Offset(a *G.Node, k float64) *G.Node { return x.Add(a, x.like(a, k)) }

// Min is the smaller of a and b. At a tie the whole gradient goes to a: put the branch that must stay alive first.
func (x *Expr) Min(a, b *G.Node) *G.Node { return x.binary(G.MinBetween, a, b) }

// Max is the larger of a and b. At a tie the whole gradient goes to a.
func (x *Expr) Max(a, b *G.Node) *G.Node { return x.binary(G.MaxBetween, a, b) }

// AtLeast is a, limited from below; under the limit its gradient is 0.
func (x *Expr) AtLeast(a *G.Node, low float64) *G.Node { return x.Max(a, x.like(a, low)) }

// AtMost is a, limited from above; over the limit its gradient is 0.
func (x *Expr) AtMost(a *G.Node, high float64) *G.Node { return x.Min(a, x.like(a, high)) }

// Clamp is a limited to [low, high]; outside, its gradient is 0.
func (x *Expr) Clamp(a *G.Node, low, high float64) *G.Node { return x.AtMost(x.AtLeast(a, low), high) }

// Relu is max(0, a). Its gradient at 0 is 0.
func (x *Expr) Relu(a *G.Node) *G.Node { return x.Max(x.like(a, 0), a) }
