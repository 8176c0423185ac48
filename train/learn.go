package train

import (
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/algos/loss"
)

// learnFrom adds the gradient of one micro-batch.
func (t *Trainer) learnFrom(mb microBatch) error {
	if logp := mb.foreseen(t.Algo.Needs().Linear); logp != nil {
		return t.learnAtOnce(mb, logp)
	}
	tokens, err := t.Model.LogProbs(mb.pack(t.Decoding), true)
	if err != nil {
		return err
	}
	defer tokens.Release()
	if err := mb.checkGap(tokens.LogP); err != nil {
		return err
	}
	out, err := t.loss(mb, tokens.LogP)
	if err != nil {
		return err
	}
	mb.observe(tokens, out)
	return tokens.Backward(float32s(out.DLogP), nil)
}

// learnAtOnce is learnFrom when the gradient is known before the forward pass, from log-probs that have the same
// gradient as the policy's: the logits are computed once. What the forward pass finds is checked all the same, and an
// error keeps the gradient from the weights.
func (t *Trainer) learnAtOnce(mb microBatch, logp []float32) error {
	before, err := t.loss(mb, logp)
	if err != nil {
		return err
	}
	if mb.still && allZero(before.DLogP) {
		return t.look(mb, before)
	}
	dlogp := float32s(before.DLogP)
	tokens, ok, err := mb.learnScored(dlogp)
	if !ok && err == nil {
		packed := mb.pack(t.Decoding)
		packed.Recording = t.recording
		tokens, err = t.Model.Learn(packed, dlogp)
	}
	if err != nil {
		return err
	}
	if err := mb.checkGap(tokens.LogP); err != nil {
		return err
	}
	out := before
	if !slices.Equal(tokens.LogP, logp) {
		if out, err = t.loss(mb, tokens.LogP); err != nil {
			return err
		}
		if !slices.Equal(out.DLogP, before.DLogP) {
			return fmt.Errorf("step %d: the algorithm says that its loss is linear in the log-probs, but its gradient depends on them", mb.step)
		}
	}
	mb.observe(tokens, out)
	return nil
}

// skipsStill says that groups without an advantage need no backward pass: nothing but the policy's term has a gradient.
// Adding their zeros would change no bit.
func (t *Trainer) skipsStill() bool {
	n := t.Algo.Needs()
	held := len(n.RowNorms) > 0 // what row norms leave behind is cut without regard to advantages
	return !n.Demonstrations && !n.Labelled() && !n.Entropy && (!n.Reference || n.RewardKL) && !held && !t.neverSkip
}

// look is learnAtOnce for a micro-batch without a gradient: the forward pass alone, for what the metrics say of it.
func (t *Trainer) look(mb microBatch, out loss.Output) error {
	tokens, err := t.Model.LogProbs(mb.pack(t.Decoding), false)
	if err != nil {
		return err
	}
	defer tokens.Release()
	if err := mb.checkGap(tokens.LogP); err != nil {
		return err
	}
	mb.observe(tokens, out)
	for i := mb.from; i < mb.to; i++ {
		if i == mb.from || mb.rows[i].group != mb.rows[i-1].group {
			mb.skipped++
		}
	}
	return nil
}

func allZero(v []float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return x != 0 })
}

// foreseen gives log-probs at which the loss has the gradient that it will have at the policy's: the rollout's, which
// have the same bits, or any at all under a linear loss. Without either it is nil.
func (m microBatch) foreseen(linear bool) []float32 {
	var logp []float32
	for _, r := range m.rows[m.from:m.to] {
		switch {
		case r.old != nil:
			logp = append(logp, r.old...)
		case linear:
			logp = append(logp, make([]float32, r.trained)...)
		default:
			return nil
		}
	}
	return logp
}

// loss evaluates the objective at given log-probs.
func (t *Trainer) loss(mb microBatch, logp []float32) (loss.Output, error) {
	out, err := loss.Eval(t.Algo.Objective(), mb.inputs(logp))
	if err != nil {
		return out, fmt.Errorf("step %d: %w", mb.step, err)
	}
	return out, nil
}

func float32s(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}
