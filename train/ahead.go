package train

import (
	"context"
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/algos/loss"
	"github.com/burnish-rl/burnish/policy"
)

// numbers are what a loss may see of the policy at each token, [N]; nil where nobody asks.
type numbers struct{ logp, entropy, sumP2 []float32 }

func numbersOf(t *policy.Tokens) numbers { return numbers{t.LogP, t.Entropy, t.SumP2} }

func (n *numbers) add(m numbers) {
	n.logp, n.entropy, n.sumP2 = append(n.logp, m.logp...), append(n.entropy, m.entropy...), append(n.sumP2, m.sumP2...)
}

// slice gives the tokens [from, to).
func (n numbers) slice(from, to int) numbers {
	return numbers{n.logp[from:to], n.entropy[from:to], n.sumP2[from:to]}
}

// sees says that the loss sees the same in both.
func (t *Trainer) sees(a, b numbers) bool {
	n := t.Algo.Needs()
	return slices.Equal(a.logp, b.logp) && (!n.Entropy || slices.Equal(a.entropy, b.entropy)) && (!n.SumP2 || slices.Equal(a.sumP2, b.sumP2))
}

// lookAhead finds what must be known of a whole update before its first micro-batch learns: the policy's numbers, the
// multipliers made of them, and the gradient of a loss that compares all answers. It is a forward pass of its own, for
// such algorithms only.
func (t *Trainer) lookAhead(ctx context.Context, b *batch, cuts []microBatch) error {
	n := t.Algo.Needs()
	together := n.Coupled == loss.ByBatch && len(cuts) > 1
	if n.StepEntropy || n.StepLogProbs && b.update > 0 || together {
		b.now = &numbers{}
		for _, mb := range cuts {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			tokens, err := t.Model.LogProbs(mb.pack(t.Decoding), false)
			if err != nil {
				return err
			}
			b.now.add(numbersOf(tokens))
		}
	}
	if n.Factor {
		if err := t.multiply(b); err != nil {
			return err
		}
	}
	if !together {
		return nil
	}
	out, err := t.loss(b.all(), *b.now)
	b.joint = &out
	return err
}

// all is the update in one piece.
func (b *batch) all() microBatch { return microBatch{batch: b, to: len(b.rows)} }

// multiply asks the algorithm for the multipliers of the policy's term.
func (t *Trainer) multiply(b *batch) error {
	f, ok := t.Algo.(algos.Factorer)
	if !ok {
		return fmt.Errorf("step %d: the algorithm says that it has multipliers, and has none", b.step)
	}
	s := algos.Step{Lengths: b.lengths()}
	for _, r := range b.rows {
		s.Advantage = append(s.Advantage, r.advantage)
		sampled := r.sampled
		if sampled == nil {
			sampled = r.old
		}
		s.Old, s.Sampled = append(s.Old, float64s(r.old)...), append(s.Sampled, float64s(sampled)...)
	}
	s.LogP = s.Old // the same bits, before the first update
	if b.now != nil {
		s.LogP, s.Entropy = float64s(b.now.logp), float64s(b.now.entropy)
	}
	var err error
	if b.factor, err = f.Factor(s); err != nil {
		return fmt.Errorf("step %d: %w", b.step, err)
	}
	if len(b.factor) != len(s.Old) {
		return fmt.Errorf("step %d: the algorithm gave %d multipliers for %d tokens", b.step, len(b.factor), len(s.Old))
	}
	return nil
}

// foreseen gives numbers at which the loss has the gradient that it will have at the policy's: those found ahead; or the
// rollout's log-probs, which have the same bits until the first update; or any at all where the loss is linear in them.
func (t *Trainer) foreseen(m microBatch) (known numbers, ok bool) {
	n := t.Algo.Needs()
	if m.now != nil {
		return m.now.slice(m.token, m.token+m.size()), true
	}
	if n.SumP2 || n.Entropy && !n.EntropyLinear {
		return numbers{}, false
	}
	for _, r := range m.rows[m.from:m.to] {
		switch {
		case r.old != nil && m.update == 0:
			known.logp = append(known.logp, r.old...)
		case n.Linear:
			known.logp = append(known.logp, make([]float32, r.trained)...)
		default:
			return numbers{}, false
		}
	}
	if n.Entropy {
		known.entropy = make([]float32, len(known.logp))
	}
	return known, true
}

// loss evaluates the objective at given numbers of the policy. Where all answers are compared it was evaluated ahead.
func (t *Trainer) loss(mb microBatch, p numbers) (loss.Output, error) {
	if mb.joint != nil {
		return part(*mb.joint, mb.token, mb.token+len(p.logp)), nil
	}
	out, err := loss.Eval(t.Algo.Objective(), mb.inputs(p, t.Algo.Needs()))
	if err != nil {
		return out, fmt.Errorf("step %d: %w", mb.step, err)
	}
	return out, nil
}

// part is the output of the tokens [from, to), but for the sum.
func part(out loss.Output, from, to int) loss.Output {
	p := loss.Output{Term: out.Term[from:to], DLogP: out.DLogP[from:to]}
	if out.DEntropy != nil {
		p.DEntropy = out.DEntropy[from:to]
	}
	return p
}
