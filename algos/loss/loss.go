// Package loss holds the objectives as Gorgonia expressions over vectors of N trained tokens, and the token weights
// that reduce them. Start with [Eval], which gives the loss and its exact gradient; this is the only package that
// imports Gorgonia.
//
// An objective never reduces and sees no mask: the token weights of a [Reduction] do both, computed once for the
// optimizer step before its first micro-batch runs.
package loss

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Objective is the unreduced loss of every token, [N].
type Objective func(x *Expr, t Tokens) *G.Node

// Inputs are the numbers of one micro-batch, all of length N. Old, Ref and Adv may be nil if the objective does not
// use them.
type Inputs struct {
	LogP, Old, Ref, Adv []float64
	Weights             []float64 // from a [Reduction]
}

// Output is the value and gradient of L = Σ_t weight_t·term_t.
type Output struct {
	Loss  float64
	DLogP []float64 // dL/dlogp, [N]; exactly 0 where the weight is 0
	Term  []float64 // unreduced, [N]
}

// Eval computes an objective and its gradient in float64. A NaN or infinity is an error that names the token.
func Eval(obj Objective, in Inputs) (Output, error) {
	n := len(in.LogP)
	if err := checkInputs(in, n); err != nil {
		return Output{}, err
	}
	if n == 0 {
		return Output{DLogP: []float64{}, Term: []float64{}}, nil
	}
	x := &Expr{g: G.NewGraph(), n: n}
	t := Tokens{LogP: x.input("logp", in.LogP)}
	if in.Old != nil {
		t.Old = x.input("old", in.Old)
	}
	if in.Ref != nil {
		t.Ref = x.input("ref", in.Ref)
	}
	if in.Adv != nil {
		t.Adv = x.input("adv", in.Adv)
	}
	term := obj(x, t)
	if x.err != nil {
		return Output{}, fmt.Errorf("loss: build: %w", x.err)
	}
	if term == nil || !term.Shape().Eq(tensor.Shape{n}) {
		return Output{}, fmt.Errorf("loss: build: objective gave no vector of the %d tokens", n)
	}
	return x.run(term, t.LogP, in.Weights)
}

// run differentiates Σ weight·term and executes the graph once.
func (x *Expr) run(term, logp *G.Node, weights []float64) (Output, error) {
	weighted := x.Mul(x.input("weights", weights), term)
	cost := x.unary(func(a *G.Node) (*G.Node, error) { return G.Sum(a) }, weighted)
	if x.err != nil {
		return Output{}, fmt.Errorf("loss: build: %w", x.err)
	}
	grads, err := G.Grad(cost, logp)
	if err != nil {
		return Output{}, fmt.Errorf("loss: differentiate: %w", err)
	}
	var termValue, gradValue G.Value
	G.Read(term, &termValue)
	G.Read(grads[0], &gradValue)
	machine := G.NewTapeMachine(x.g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		return Output{}, fmt.Errorf("loss: run: %w", err)
	}
	out := Output{Term: floats(termValue, x.n), DLogP: floats(gradValue, x.n)}
	for i, v := range out.Term {
		out.Loss += weights[i] * v
		if bad(v) || bad(out.DLogP[i]) {
			return Output{}, fmt.Errorf("loss: token %d of %d: term %v, gradient %v, want finite numbers", i, x.n, v, out.DLogP[i])
		}
	}
	return out, nil
}

func checkInputs(in Inputs, n int) error {
	if in.Weights == nil && n > 0 {
		return fmt.Errorf("loss: inputs: no weights for %d tokens", n)
	}
	for _, v := range []struct {
		name   string
		values []float64
	}{{"logp", in.LogP}, {"old", in.Old}, {"ref", in.Ref}, {"adv", in.Adv}, {"weights", in.Weights}} {
		if v.values != nil && len(v.values) != n {
			return fmt.Errorf("loss: inputs: %s has %d tokens, want %d", v.name, len(v.values), n)
		}
		for i, f := range v.values {
			if bad(f) {
				return fmt.Errorf("loss: inputs: %s of token %d is %v, want a finite number", v.name, i, f)
			}
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
