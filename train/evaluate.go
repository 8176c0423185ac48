package train

import (
	"context"
	"math"
	"time"

	"github.com/burnish-rl/burnish/train/eval"
)

// evalStep keys the draws of an evaluation apart from those of every training step.
const evalStep = math.MaxUint32

// firstEvaluation measures the policy before the first step; its line in metrics.jsonl has step 0.
func (t *Trainer) firstEvaluation(ctx context.Context) error {
	if t.Eval.Env == nil {
		return nil
	}
	var m Metrics
	m.add("step", 0)
	if err := t.evaluate(ctx, &m); err != nil {
		return err
	}
	return t.metrics.Append(m)
}

// evaluate measures the policy on held-out tasks, the same ones with the same draws each time, and remembers the best.
func (t *Trainer) evaluate(ctx context.Context, m *Metrics) error {
	start := time.Now()
	t.forget()
	t.tell(Event{Kind: Phase, Phase: "evaluation"})
	report, err := t.heldOut(ctx)
	if err != nil {
		return err
	}
	for _, x := range report.Metrics {
		m.add("eval/"+x.Name, x.Value)
	}
	m.add("seconds/evaluation", time.Since(start).Seconds())
	if v := report.Headline(); t.at > 0 && (t.best.Step == 0 || v > t.best.Value) {
		t.best = best{Step: t.at, Value: v}
	}
	t.tell(Event{Kind: Evaluated, Report: &report})
	return nil
}

// heldOut answers the held-out tasks, or compares the answers that come with them.
func (t *Trainer) heldOut(ctx context.Context) (eval.Report, error) {
	if t.EvaluatesPairs() {
		return t.evaluatePairs(ctx)
	}
	d := t.Eval.Decoding
	d.Seed, d.Step = t.Seed, evalStep
	out, err := eval.Run(ctx, t.Model, t.Eval.Env, eval.Options{
		Limit: t.Eval.Limit, Decoding: d,
		Progress: func(done, total int) { t.tell(Event{Kind: Progress, Done: done, Total: total}) },
	})
	return out.Report, err
}
