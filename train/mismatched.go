package train

import (
	"context"
	"fmt"
	"slices"
)

// mismatched scores answers of the step under prompts that aren't theirs, with the policy before the step and with the
// reference; see shifted.
//
// Source: Ethayarajh et al. 2024, arXiv:2402.01306, section 4.1; TRL shifts by one within the batch in the same way.
func (t *Trainer) mismatched(ctx context.Context, b *batch) error {
	if !t.Algo.Needs().Mismatched || len(b.rows) == 0 {
		return nil
	}
	defer b.time("mismatched")()
	t.tell(Event{Kind: Phase, Phase: "mismatched"})
	rows, err := b.shifted()
	if err != nil {
		return err
	}
	for i, r := range rows {
		if n := len(b.prompts[r.group]) + len(r.tokens); n > t.Model.Context() {
			return fmt.Errorf("step %d: an answer under another's prompt has %d tokens, the model's context is %d: want shorter prompts or answers, or reference_point zero", b.step, n, t.Model.Context())
		}
		rows[i].side = unlabelled
	}
	other := &batch{step: b.step, groups: b.groups, prompts: b.prompts, rows: rows}
	ref, err := t.scoreReference(ctx, other)
	if err != nil {
		return err
	}
	for _, mb := range other.cut(t.MicroBatchTokens, false) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		tokens, err := t.Model.LogProbs(mb.pack(t.Decoding), false)
		if err != nil {
			return err
		}
		at := 0
		for _, r := range mb.rows[mb.from:mb.to] {
			sum := 0.0
			for k := at; k < at+r.trained; k++ {
				sum += float64(tokens.LogP[k]) - ref[mb.token+k]
			}
			at += r.trained
			b.labels.mismatched = append(b.labels.mismatched, sum)
		}
		b.computed += tokens.Computed
		tokens.Release()
	}
	return nil
}

// shifted gives each row's prompt the answer that stands as many rows further on, around the end, as the most frequent
// prompt has rows: where all have as many, every answer is taken once. One with the same prompt is passed over.
func (b *batch) shifted() ([]row, error) {
	n, shift := len(b.rows), 0
	same := func(i, j int) bool { return slices.Equal(b.prompts[b.rows[i].group], b.prompts[b.rows[j].group]) }
	for i := range b.rows {
		count := 0
		for j := range b.rows {
			if same(i, j) {
				count++
			}
		}
		shift = max(shift, count)
	}
	out := make([]row, n)
	for i, r := range b.rows {
		k := shift
		for k < shift+n && same(i, (i+k)%n) {
			k++
		}
		if k == shift+n {
			return nil, fmt.Errorf("step %d: all answers have the same prompt, and each is to be scored under another's: want more prompts a step, or reference_point zero", b.step)
		}
		next := b.rows[(i+k)%n]
		out[i] = row{group: r.group, tokens: next.tokens, train: next.train, trained: next.trained}
	}
	return out, nil
}
