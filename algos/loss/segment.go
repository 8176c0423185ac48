package loss

import (
	"errors"
	"fmt"

	G "gorgonia.org/gorgonia"
)

// segments say which tokens make a sequence.
type segments struct {
	lengths []int // [B], trained tokens
	of      []int // [N], the sequence of each token
}

// segments makes them from the inputs' lengths.
func (x *Expr) segments() *segments {
	if x.seg == nil && x.err == nil {
		if len(x.in.Lengths) == 0 {
			x.Fail(errors.New("objective works on whole sequences, and their lengths were not given"))
			return nil
		}
		x.seg = &segments{lengths: x.in.Lengths}
		for i, n := range x.in.Lengths {
			for range n {
				x.seg.of = append(x.seg.of, i)
			}
		}
	}
	return x.seg
}

// PerSequence sums the tokens of each sequence: [N] to [B].
func (x *Expr) PerSequence(a *G.Node) *G.Node {
	s := x.segments()
	if x.err != nil {
		return nil
	}
	return x.collect(s.of, len(s.lengths), a)
}

// SequenceMean is [Expr.PerSequence] divided by each sequence's length: [N] to [B]. Without tokens it is 0.
func (x *Expr) SequenceMean(a *G.Node) *G.Node { return x.PerLength(x.PerSequence(a)) }

// PerLength divides a value of each sequence by its length: [B] to [B].
func (x *Expr) PerLength(a *G.Node) *G.Node {
	s := x.segments()
	if x.err != nil {
		return nil
	}
	inverse := make([]float64, len(s.lengths))
	for i, n := range s.lengths {
		inverse[i] = 1 / atLeastOne(n)
	}
	return x.Mul(a, x.Vector(inverse))
}

// Spread gives each token the value of its sequence: [B] to [N]. Under [SequenceMean] its loss is the mean over
// sequences.
func (x *Expr) Spread(a *G.Node) *G.Node {
	s := x.segments()
	if x.err != nil {
		return nil
	}
	return x.take(s.of, len(s.lengths), a)
}

// Chosen and Rejected pick the values of the pairs' sequences: [B] to [P].
func (x *Expr) Chosen(a *G.Node) *G.Node   { return x.ofPairs(a, 0) }
func (x *Expr) Rejected(a *G.Node) *G.Node { return x.ofPairs(a, 1) }

func (x *Expr) ofPairs(a *G.Node, side int) *G.Node {
	s := x.segments()
	if x.err != nil {
		return nil
	}
	if len(x.in.Pairs) == 0 {
		return x.Fail(errors.New("objective works on pairs, and none were given"))
	}
	at := make([]int, len(x.in.Pairs))
	for i, p := range x.in.Pairs {
		at[i] = p[side]
	}
	return x.take(at, len(s.lengths), a)
}

// SpreadPairs gives each token the value of its pair: [P] to [N]. Under [SequenceMean] its loss is the mean over pairs.
func (x *Expr) SpreadPairs(a *G.Node) *G.Node {
	s := x.segments()
	if x.err != nil {
		return nil
	}
	pair := make([]int, len(s.lengths))
	for i, p := range x.in.Pairs {
		pair[p[0]], pair[p[1]] = i, i
	}
	of := make([]int, len(s.of))
	for t, i := range s.of {
		of[t] = pair[i]
	}
	return x.take(of, len(x.in.Pairs), a)
}

// take is a[at[0]], a[at[1]], ...; a has n elements.
func (x *Expr) take(at []int, n int, a *G.Node) *G.Node {
	if !x.long(a, n) {
		return nil
	}
	return x.apply("take", len(at), a, func(out, in []float64) {
		for i, j := range at {
			out[i] = in[j]
		}
	}, func(x *Expr, _, grad *G.Node) *G.Node { return x.collect(at, n, grad) })
}

// collect is the transpose of take: it adds a[i] to element at[i] of n, in order.
func (x *Expr) collect(at []int, n int, a *G.Node) *G.Node {
	if !x.long(a, len(at)) {
		return nil
	}
	return x.apply("collect", n, a, func(out, in []float64) {
		for i, j := range at {
			out[j] += in[i]
		}
	}, func(x *Expr, _, grad *G.Node) *G.Node { return x.take(at, n, grad) })
}

// long checks an operand's length.
func (x *Expr) long(a *G.Node, n int) bool {
	switch {
	case x.err != nil:
	case a == nil:
		x.Fail(errMissingInput)
	case a.Shape()[0] != n:
		x.Fail(fmt.Errorf("operand has length %d, want %d", a.Shape()[0], n))
	}
	return x.err == nil
}
