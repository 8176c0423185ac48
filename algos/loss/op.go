package loss

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"math"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// vectorOp is an operation of ours on one vector, with its derivative: what Gorgonia lacks or gets wrong.
type vectorOp struct {
	id   int // keeps Gorgonia from merging two operations that only look alike
	name string
	n    int // length of the result
	do   func(out, in []float64)
	back func(x *Expr, in, grad *G.Node) *G.Node // the gradient of the operand
	x    *Expr
}

// apply adds an operation to the expression.
func (x *Expr) apply(name string, n int, a *G.Node, do func(out, in []float64), back func(x *Expr, in, grad *G.Node) *G.Node) *G.Node {
	x.ops++
	op := &vectorOp{x.ops, name, n, do, back, x}
	return x.unary(func(a *G.Node) (*G.Node, error) { return G.ApplyOp(op, a) }, a)
}

// LogSigmoid is log σ(a), which neither overflows nor loses its tails.
func (x *Expr) LogSigmoid(a *G.Node) *G.Node {
	return x.pointwise("log sigmoid", a, logSigmoid, func(v float64) float64 { return sigmoid(-v) })
}

// Sigmoid is the logistic function σ(a).
func (x *Expr) Sigmoid(a *G.Node) *G.Node {
	return x.pointwise("sigmoid", a, sigmoid, func(v float64) float64 { return sigmoid(v) * sigmoid(-v) })
}

// pointwise is f of every element, with its derivative.
func (x *Expr) pointwise(name string, a *G.Node, f, derivative func(float64) float64) *G.Node {
	if x.err != nil || a == nil {
		return x.unary(nil, a)
	}
	n := a.Shape()[0]
	return x.apply(name, n, a, pointwiseDo(f), func(x *Expr, in, grad *G.Node) *G.Node {
		return x.Mul(x.apply(name+"'", n, in, pointwiseDo(derivative), nil), grad)
	})
}

func pointwiseDo(f func(float64) float64) func(out, in []float64) {
	return func(out, in []float64) {
		for i, v := range in {
			out[i] = f(v)
		}
	}
}

func logSigmoid(v float64) float64 {
	return min(v, 0) - math.Log1p(math.Exp(-math.Abs(v)))
}

func sigmoid(v float64) float64 {
	e := math.Exp(-math.Abs(v))
	if v >= 0 {
		return 1 / (1 + e)
	}
	return e / (1 + e)
}

// What follows is Gorgonia's interface of an operation.

func (op *vectorOp) Arity() int { return 1 }

func (op *vectorOp) Type() hm.Type {
	v := G.TensorType{Dims: 1, Of: tensor.Float64}
	return hm.NewFnType(v, v)
}

func (op *vectorOp) InferShape(...G.DimSizer) (tensor.Shape, error) { return tensor.Shape{op.n}, nil }

func (op *vectorOp) Do(in ...G.Value) (G.Value, error) {
	var v []float64
	switch d := in[0].Data().(type) {
	case []float64:
		v = d
	case float64:
		v = []float64{d}
	default:
		return nil, fmt.Errorf("%s: operand is %T, want float64s", op.name, d)
	}
	out := make([]float64, op.n)
	op.do(out, v)
	return tensor.New(tensor.WithShape(op.n), tensor.WithBacking(out)), nil
}

func (op *vectorOp) ReturnsPtr() bool     { return false }
func (op *vectorOp) CallsExtern() bool    { return false }
func (op *vectorOp) OverwritesInput() int { return -1 }
func (op *vectorOp) String() string       { return fmt.Sprintf("%s #%d", op.name, op.id) }

func (op *vectorOp) WriteHash(h hash.Hash) {
	h.Write([]byte("burnish"))
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(op.id)))
}

func (op *vectorOp) Hashcode() uint32 {
	h := fnv.New32a()
	op.WriteHash(h)
	return h.Sum32()
}

func (op *vectorOp) DiffWRT(int) []bool { return []bool{op.back != nil} }

func (op *vectorOp) SymDiff(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	out := op.back(op.x, in[0], grad)
	return G.Nodes{out}, op.x.err
}
