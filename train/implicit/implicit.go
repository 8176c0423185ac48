// Package implicit asks pairs of models for implicit rewards, β·log(π/π_ref), of completions: for rewards, which know no
// model, and for evaluation. Start with [LogProbs].
package implicit

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/rewards"
)

// BatchRows is how many decoder rows go through the models together: enough for the kernels to run at full speed. A
// longer sequence goes alone.
const BatchRows = 512

// LogProbs gives the log-probs of every sequence's tokens under both models, at temperature 1. Neighbours with the same
// prompt share it. A sequence that a model can't take has a Problem.
func LogProbs(ctx context.Context, p policy.Pair, sequences []rewards.Sequence) ([]rewards.PairLogProbs, error) {
	out := make([]rewards.PairLogProbs, len(sequences))
	var b policy.Batch
	var of []int // the sequence of each row
	rows := 0
	flush := func() error {
		if len(b.Rows) == 0 {
			return nil
		}
		logp, ref, err := p.LogProbs(b)
		if err != nil {
			return fmt.Errorf("implicit reward: %w", err)
		}
		at := 0
		for i, r := range b.Rows {
			n := len(r.Tokens)
			out[of[i]] = rewards.PairLogProbs{Policy: logp[at : at+n], Reference: ref[at : at+n]}
			at += n
		}
		b, of, rows = policy.Batch{}, nil, 0
		return nil
	}
	for i, s := range sequences {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if out[i].Problem = problem(p, s); out[i].Problem != "" || len(s.Tokens) == 0 {
			continue
		}
		shared := len(b.Prompts) > 0 && slices.Equal(b.Prompts[len(b.Prompts)-1], s.Prompt)
		own := len(s.Tokens)
		if !shared {
			own += len(s.Prompt)
		}
		if rows > 0 && rows+own > BatchRows {
			if err := flush(); err != nil {
				return nil, err
			}
			shared, own = false, len(s.Prompt)+len(s.Tokens)
		}
		if !shared {
			b.Prompts = append(b.Prompts, s.Prompt)
		}
		b.Rows = append(b.Rows, policy.Row{Prompt: len(b.Prompts) - 1, Tokens: s.Tokens})
		of = append(of, i)
		rows += own
	}
	return out, flush()
}

// problem says why the models can't take a sequence, "" when they can.
func problem(p policy.Pair, s rewards.Sequence) string {
	if len(s.Prompt) == 0 {
		return "the prompt has no tokens"
	}
	if n := len(s.Prompt) + len(s.Tokens); n > p.Context() {
		return fmt.Sprintf("%d tokens, the models' context is %d", n, p.Context())
	}
	for _, ids := range [][]int32{s.Prompt, s.Tokens} {
		if err := p.CheckIDs(ids); err != nil {
			return err.Error()
		}
	}
	return ""
}

// Scorer is LogProbs for rewards, which may ask from several goroutines: models answer one at a time.
func Scorer(p policy.Pair) rewards.PairScorer {
	var one sync.Mutex
	return func(ctx context.Context, sequences []rewards.Sequence) ([]rewards.PairLogProbs, error) {
		one.Lock()
		defer one.Unlock()
		return LogProbs(ctx, p, sequences)
	}
}
