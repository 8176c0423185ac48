// Package loss holds the objectives as Gorgonia expressions over vectors of N trained tokens, and the token weights
// that reduce them. Start with [Eval], which gives the loss and its exact gradient; this is the only package that
// imports Gorgonia.
//
// An objective never reduces and sees no mask: the token weights of a [Reduction] do both, computed once for the
// optimizer step before its first micro-batch runs. A loss of whole sequences or of pairs gives every token of the
// sequence or the pair its value; under [SequenceMean] the sum is then the mean over sequences or pairs.
package loss

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Node is a vector of an expression.
type Node = G.Node

// Objective is the unreduced loss of every token, [N].
type Objective func(x *Expr, t Tokens) *G.Node

// Coupling says what must not be torn apart when a step is cut into micro-batches, because the loss of one token
// depends on the others in it.
type Coupling int

const (
	ByToken    Coupling = iota // nothing: a token's term depends on that token alone
	BySequence                 // the tokens of a sequence
	ByPair                     // chosen and rejected
	ByGroup                    // all samples of a prompt
	ByBatch                    // the whole step
)

// Output is the value and gradient of L = Σ_t weight_t·term_t.
type Output struct {
	Loss     float64
	DLogP    []float64 // dL/dlogp, [N]; exactly 0 where the weight is 0 and the objective couples nothing
	DEntropy []float64 // dL/dentropy, [N]; nil unless the objective uses the entropy
	Term     []float64 // unreduced, [N]
}

// Tokens are the inputs of an objective, vectors of N trained tokens. The gradient is taken with respect to LogP and
// Entropy; the rest is constant. An input that the caller did not give is nil, and an expression that uses it is an
// error.
type Tokens struct {
	LogP    *G.Node // log-probs under the policy
	Held    *G.Node // the same numbers, held constant: a stop-gradient
	Old     *G.Node // log-probs under the policy that sampled
	Ref     *G.Node // log-probs under the reference
	Adv     *G.Node // advantages
	Entropy *G.Node // of the policy's distribution, nats
	Given   *Inputs // the numbers, for constants that plain Go computes: signs, orders, counts
}

// Eval computes an objective and its gradient in float64. A NaN or infinity is an error that names the token.
func Eval(obj Objective, in Inputs) (Output, error) {
	if err := in.check(); err != nil {
		return Output{}, err
	}
	n := len(in.LogP)
	if n == 0 {
		return Output{DLogP: []float64{}, Term: []float64{}}, nil
	}
	if in.held == nil {
		in.held = in.LogP
	}
	x := &Expr{g: G.NewGraph(), n: n, in: &in}
	t := Tokens{LogP: x.input("logp", in.LogP), Held: x.input("held", in.held), Given: &in}
	for _, v := range []struct {
		name   string
		values []float64
		node   **G.Node
	}{{"old", in.Old, &t.Old}, {"ref", in.Ref, &t.Ref}, {"adv", in.Adv, &t.Adv}, {"entropy", in.Entropy, &t.Entropy}} {
		if v.values != nil {
			*v.node = x.input(v.name, v.values)
		}
	}
	term := obj(x, t)
	if x.err != nil {
		return Output{}, fmt.Errorf("loss: build: %w", x.err)
	}
	if term == nil || !term.Shape().Eq(tensor.Shape{n}) {
		return Output{}, fmt.Errorf("loss: build: objective gave no vector of the %d tokens", n)
	}
	return x.run(term, t)
}

// run differentiates Σ weight·term and executes the graph once.
func (x *Expr) run(term *G.Node, t Tokens) (Output, error) {
	cost := x.unary(func(a *G.Node) (*G.Node, error) { return G.Sum(a) }, x.Mul(x.input("weights", x.in.Weights), term))
	if x.err != nil {
		return Output{}, fmt.Errorf("loss: build: %w", x.err)
	}
	with := G.Nodes{t.LogP}
	if x.g.To(t.LogP.ID()).Len() == 0 {
		return Output{}, fmt.Errorf("loss: differentiate: objective does not use the policy's log-probs")
	}
	if t.Entropy != nil && x.g.To(t.Entropy.ID()).Len() > 0 {
		with = append(with, t.Entropy)
	}
	grads, err := G.Grad(cost, with...)
	if err != nil {
		return Output{}, fmt.Errorf("loss: differentiate: %w", err)
	}
	values := make([]G.Value, 1+len(grads))
	G.Read(term, &values[0])
	for i, g := range grads {
		G.Read(g, &values[1+i])
	}
	machine := G.NewTapeMachine(x.g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		return Output{}, fmt.Errorf("loss: run: %w", err)
	}
	out := Output{Term: floats(values[0], x.n), DLogP: floats(values[1], x.n)}
	if len(grads) > 1 {
		out.DEntropy = floats(values[2], x.n)
	}
	return out, out.finish(x.in.Weights)
}

// finish adds up the loss and refuses what is not finite.
func (o *Output) finish(weights []float64) error {
	for i, v := range o.Term {
		o.Loss += weights[i] * v
		if bad(v) || bad(o.DLogP[i]) || o.DEntropy != nil && bad(o.DEntropy[i]) {
			return fmt.Errorf("loss: token %d of %d: term %v, gradient %v, want finite numbers", i, len(o.Term), v, o.DLogP[i])
		}
	}
	return nil
}

// floats copies a vector of n out of the machine, which reuses its memory.
func floats(v G.Value, n int) []float64 {
	out := make([]float64, n)
	switch d := v.Data().(type) {
	case []float64:
		copy(out, d)
	case float64: // a vector of one comes back as a scalar
		out[0] = d
	}
	return out
}

func bad(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }
