package eval

import (
	"context"
	"fmt"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/train/rollout"
)

// Options say what is measured and how the answers are decoded.
type Options struct {
	Limit    int // tasks [0, Limit); 0 means all of a finite env
	Decoding policy.Decoding
	Progress func(done, total int) // may be nil
	Implicit *Implicit             // unless nil, also their implicit rewards
}

// Answer is one task's completion.
type Answer struct {
	rollout.Prompt
	policy.Completion
}

// Outcome is the report and what it was made from, in the order of the tasks.
type Outcome struct {
	Report  Report
	Answers []Answer

	Implicit []float64 // implicit reward of each answer, nil unless asked for
}

// Run answers the first tasks of env, one completion each, and judges them.
func Run(ctx context.Context, m *policy.Model, env envs.Env, o Options) (Outcome, error) {
	n, err := count(env, o.Limit)
	if err != nil {
		return Outcome{}, err
	}
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	prompts, err := rollout.Render(m, env, indices)
	if err != nil {
		return Outcome{}, err
	}
	answers := make([]Answer, n)
	reqs := make([]policy.Request, n)
	for i, p := range prompts {
		answers[i].Prompt = p
		reqs[i] = policy.Request{Prompt: p.IDs, Samples: 1, Slot: uint32(i)}
	}
	done := 0
	for c, err := range m.Generate(ctx, reqs, o.Decoding, nil) {
		if err != nil {
			return Outcome{}, err
		}
		answers[c.Request].Completion = c
		if done++; o.Progress != nil {
			o.Progress(done, n)
		}
	}
	items := make([]Item, n)
	for i, a := range answers {
		items[i] = Item{Text: a.Text, Reference: a.Task.Reference, Stop: string(a.Stop), Tokens: len(a.Tokens)}
	}
	out := Outcome{Report: Score(KindOf(prompts[0].Task.Schema), items), Answers: answers}
	if o.Implicit == nil {
		return out, nil
	}
	if out.Implicit, err = ImplicitRewards(ctx, *o.Implicit, answers); err != nil {
		return Outcome{}, err
	}
	out.Report.addImplicit(out.Implicit, answers)
	return out, nil
}

func count(env envs.Env, limit int) (int, error) {
	sized, finite := env.(envs.Sized)
	switch {
	case limit < 0:
		return 0, fmt.Errorf("evaluation: limit %d, want 0 or more", limit)
	case finite && sized.Len() == 0:
		return 0, fmt.Errorf("evaluation: the environment has no tasks")
	case finite && (limit == 0 || limit > sized.Len()):
		return sized.Len(), nil
	case limit == 0:
		return 0, fmt.Errorf("evaluation: the environment has no end, so give a limit")
	}
	return limit, nil
}

// Headline is the one number that says which of two checkpoints is better: structure and answer both right where the
// answer is JSON, of pairs the accuracy, the answer right elsewhere.
func (r Report) Headline() float64 {
	name := "answer_correct"
	switch r.Kind {
	case JSON:
		name = "both"
	case Preference:
		name = preferenceAccuracy
	}
	m, _ := r.Metric(name)
	return m.Value
}
