package train

import (
	"context"

	"github.com/burnish-rl/burnish/train/eval"
	"github.com/burnish-rl/burnish/train/rollout"
)

// EvaluatesPairs says whether evaluation looks at held-out pairs instead of answering tasks: where answers come with the
// data and the first held-out task has a pair.
func (c *Config) EvaluatesPairs() bool {
	if c.Eval.Env == nil || c.Sampled() || !c.Algo.Needs().Labelled() || c.Algo.Needs().Principles {
		return false
	}
	task, err := c.Eval.Env.Task(0)
	return err == nil && !task.Pair.IsZero()
}

// pairOf makes the rows of a task's pair, whatever the algorithm learns from.
func (c *Config) pairOf(p rollout.Prompt) (unit, error) {
	better, worse, err := rollout.Pair(c.Model, p.Task)
	return unit{[]rollout.Prompt{p}, []row{labelledRow(0, better, chosen), labelledRow(0, worse, rejected)}}, err
}

// evaluatePairs measures the policy's implicit rewards on held-out pairs.
func (t *Trainer) evaluatePairs(ctx context.Context) (eval.Report, error) {
	b := t.newBatch(t.at)
	for i := range t.Eval.Limit {
		prompts, err := rollout.Render(t.Model, t.Eval.Env, []int{i})
		if err != nil {
			return eval.Report{}, err
		}
		u, err := t.pairOf(prompts[0])
		if err != nil {
			return eval.Report{}, err
		}
		b.add(u)
	}
	if t.Algo.Needs().Reference {
		var err error
		if b.ref, err = t.scoreReference(ctx, b); err != nil {
			return eval.Report{}, err
		}
	}
	for _, mb := range b.cut(t.MicroBatchTokens, false) {
		if err := context.Cause(ctx); err != nil {
			return eval.Report{}, err
		}
		tokens, err := t.Model.LogProbs(mb.pack(t.Decoding), false)
		if err != nil {
			return eval.Report{}, err
		}
		mb.observeRows(tokens.LogP)
		tokens.Release()
		t.tell(Event{Kind: Progress, Done: mb.to / 2, Total: t.Eval.Limit})
	}
	rewards := t.implicitRewards(b)
	pairs := make([]eval.Pair, 0, len(rewards)/2)
	for i := 0; i+1 < len(rewards); i += 2 {
		pairs = append(pairs, eval.Pair{Chosen: rewards[i], Rejected: rewards[i+1]})
	}
	return eval.Preferences(pairs), nil
}
