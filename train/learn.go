package train

import (
	"context"
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/algos/loss"
	"github.com/burnish-rl/burnish/policy"
)

// learn adds up the gradients of an update. Token weights are fixed, so the cut into micro-batches changes nothing.
func (t *Trainer) learn(ctx context.Context, b *batch) error {
	defer b.time("train")()
	t.tell(Event{Kind: Phase, Phase: "train"})
	cuts := b.cut(t.budget(b), t.skipsStill())
	if err := t.lookAhead(ctx, b, cuts); err != nil {
		return err
	}
	t.Model.ZeroGrads()
	measured := t.beginGroups(b)
	for _, mb := range cuts {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := t.learnFrom(mb); err != nil {
			return err
		}
		if err := measured.add(); err != nil {
			return err
		}
		t.tell(Event{Kind: Progress, Done: mb.to, Total: len(b.rows)})
	}
	if err := t.Model.FinishGrads(); err != nil {
		return err
	}
	return measured.finish(b)
}

// learnFrom adds the gradient of one micro-batch.
func (t *Trainer) learnFrom(mb microBatch) error {
	if known, ok := t.foreseen(mb); ok {
		return t.learnAtOnce(mb, known)
	}
	tokens, err := t.Model.LogProbs(mb.pack(t.Decoding), true)
	if err != nil {
		return err
	}
	defer tokens.Release()
	if err := mb.checkGap(tokens.LogP); err != nil {
		return err
	}
	out, err := t.loss(mb, numbersOf(tokens))
	if err != nil {
		return err
	}
	t.take(mb, tokens, out)
	if mb.still && flat(out) {
		mb.skip()
		return nil
	}
	return tokens.Backward(float32s(out.DLogP), float32s(out.DEntropy))
}

// learnAtOnce is learnFrom when the gradient is known before the forward pass, from numbers that have the same
// gradient as the policy's: the logits are computed once. What the forward pass finds is checked all the same, and an
// error keeps the gradient from the weights.
func (t *Trainer) learnAtOnce(mb microBatch, known numbers) error {
	before, err := t.loss(mb, known)
	if err != nil {
		return err
	}
	if mb.still && flat(before) {
		return t.look(mb, before)
	}
	tokens, err := t.learnKnown(mb, float32s(before.DLogP), float32s(before.DEntropy))
	if err != nil {
		return err
	}
	if err := mb.checkGap(tokens.LogP); err != nil {
		return err
	}
	out := before
	if found := numbersOf(tokens); !t.sees(known, found) {
		if out, err = t.loss(mb, found); err != nil {
			return err
		}
		if !slices.Equal(out.DLogP, before.DLogP) || !slices.Equal(out.DEntropy, before.DEntropy) {
			return fmt.Errorf("step %d: the algorithm says that its loss is linear in the log-probs or the entropy, but its gradient depends on them", mb.step)
		}
	}
	t.take(mb, tokens, out)
	return nil
}

// learnKnown is the one pass of learnAtOnce, through what row norms or the rollout have left behind, if anything.
func (t *Trainer) learnKnown(mb microBatch, dlogp, dentropy []float32) (*policy.Tokens, error) {
	if tokens, ok, err := mb.learnScored(dlogp, dentropy); ok || err != nil {
		return tokens, err
	}
	packed := mb.pack(t.Decoding)
	if mb.update == 0 { // later the recording is of other weights
		packed.Recording = t.recording
	}
	return t.Model.Learn(packed, dlogp, dentropy)
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
	t.take(mb, tokens, out)
	mb.skip()
	return nil
}

// skip counts the micro-batch's groups as ones without a backward pass.
func (m microBatch) skip() {
	for i := m.from; i < m.to; i++ {
		if i == m.from || m.rows[i].group != m.rows[i-1].group {
			m.skipped++
		}
	}
}

// flat says that a loss has no gradient.
func flat(out loss.Output) bool {
	return allZero(out.DLogP) && allZero(out.DEntropy)
}

func allZero(v []float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return x != 0 })
}

// float32s keeps nil, which means that there is no such gradient.
func float32s(v []float64) []float32 {
	if v == nil {
		return nil
	}
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}
