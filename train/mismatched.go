package train

import (
	"context"
	"fmt"
	"slices"
)

// mismatched scores every answer of the step under a prompt that isn't its own, with the policy before the step and with
// the reference: a row's prompt with the answer of the next row that has another prompt, around the end.
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

// shifted gives each row's prompt the answer of the next row with another prompt.
func (b *batch) shifted() ([]row, error) {
	out := make([]row, len(b.rows))
	for i, r := range b.rows {
		k := 1
		for k < len(b.rows) && slices.Equal(b.prompts[b.rows[(i+k)%len(b.rows)].group], b.prompts[r.group]) {
			k++
		}
		if k == len(b.rows) {
			return nil, fmt.Errorf("step %d: all answers have the same prompt, and each is to be scored under another's: want more prompts a step, or reference_point zero", b.step)
		}
		next := b.rows[(i+k)%len(b.rows)]
		out[i] = row{group: r.group, tokens: next.tokens, train: next.train, trained: next.trained}
	}
	return out, nil
}
