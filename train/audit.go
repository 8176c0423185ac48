package train

import (
	"context"
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/train/rollout"
)

// Audit is what the data looks like in the model's tokens.
type Audit struct {
	Tasks   int // looked at
	Of      int // in the env; -1 when it has no end
	Prompt  Lengths
	Target  Lengths // demonstrations, or all labelled answers to a task, when the algorithm trains on them
	Longest int     // tokens of the longest prompt with one answer, or with the room for it
	TooLong []TooLong
}

// Lengths are token counts.
type Lengths struct {
	Min, Median, P95, Max int
	Mean                  float64
}

// TooLong is a task that the context has no room for.
type TooLong struct {
	Index  int
	ID     string
	Tokens int
}

// AuditLimit is how many tasks of an env without an end, or of a huge one, are looked at.
const AuditLimit = 20_000

// sampleUnlimited is how many tasks of an env without an end are looked at.
const sampleUnlimited = 2_000

// NewAudit renders the tasks of an env. room is how many tokens must be left for a completion.
func NewAudit(ctx context.Context, m *policy.Model, env envs.Env, demonstrations bool, room int) (Audit, error) {
	return audit(ctx, m, env, func(p rollout.Prompt) (n taskTokens, err error) {
		n.prompt, n.longest = len(p.IDs), len(p.IDs)+room
		if demonstrations {
			target, err := rollout.Demonstration(m, p.Task)
			if err != nil {
				return n, err
			}
			n.target, n.longest = len(target), len(p.IDs)+len(target)
		}
		return n, nil
	})
}

// AuditLabelled is NewAudit for an algorithm of labelled answers. A task's prompt and target are what a step holds of it
// together: the prompt once with both answers of a pair, or every principle's prompt with every answer.
func (c *Config) AuditLabelled(ctx context.Context, room int) (Audit, error) {
	return audit(ctx, c.Model, c.Env, func(p rollout.Prompt) (n taskTokens, err error) {
		prompts := []rollout.Prompt{p}
		switch {
		case !c.Sampled():
			u, err := c.unitOf(p)
			if err != nil {
				return n, err
			}
			for _, r := range u.rows {
				n.target += len(r.tokens)
			}
			prompts, n.longest = u.prompts, u.longest()
		case c.Algo.Needs().Principles:
			if prompts, err = rollout.Under(c.Model, p, c.Labels.Principles); err != nil {
				return n, err
			}
		}
		for _, p := range prompts {
			n.prompt += len(p.IDs)
			n.longest = max(n.longest, len(p.IDs)+room)
		}
		return n, nil
	})
}

// AuditPairs is NewAudit for the pairs of the first tasks of an env, whatever the algorithm learns from.
func (c *Config) AuditPairs(ctx context.Context, env envs.Env, limit int) (Audit, error) {
	return audit(ctx, c.Model, firstTasks{env, limit}, func(p rollout.Prompt) (n taskTokens, err error) {
		u, err := c.pairOf(p)
		if err != nil {
			return n, err
		}
		return taskTokens{len(p.IDs), len(u.rows[0].tokens) + len(u.rows[1].tokens), u.longest()}, nil
	})
}

// firstTasks is an env with an end.
type firstTasks struct {
	envs.Env
	n int
}

func (f firstTasks) Len() int { return f.n }

// taskTokens are the tokens of a task.
type taskTokens struct{ prompt, target, longest int }

func audit(ctx context.Context, m *policy.Model, env envs.Env, count func(rollout.Prompt) (taskTokens, error)) (Audit, error) {
	a := Audit{Of: -1, Tasks: sampleUnlimited}
	if s, ok := env.(envs.Sized); ok {
		a.Of = s.Len()
		a.Tasks = min(a.Of, AuditLimit)
	}
	var prompts, targets []int
	for i := range a.Tasks {
		if err := context.Cause(ctx); err != nil {
			return a, err
		}
		ps, err := rollout.Render(m, env, []int{i})
		if err != nil {
			return a, err
		}
		n, err := count(ps[0])
		if err != nil {
			return a, err
		}
		prompts = append(prompts, n.prompt)
		if n.target > 0 {
			targets = append(targets, n.target)
		}
		a.Longest = max(a.Longest, n.longest)
		if n.longest > m.Context() {
			a.TooLong = append(a.TooLong, TooLong{i, ps[0].Task.ID, n.longest})
		}
	}
	a.Prompt, a.Target = lengthsOf(prompts), lengthsOf(targets)
	return a, nil
}

func lengthsOf(n []int) Lengths {
	if len(n) == 0 {
		return Lengths{}
	}
	slices.Sort(n)
	sum := 0
	for _, x := range n {
		sum += x
	}
	return Lengths{n[0], n[len(n)/2], n[min(len(n)-1, len(n)*95/100)], n[len(n)-1], float64(sum) / float64(len(n))}
}

// Err is an error when a task has no room, naming the first.
func (a Audit) Err(context int) error {
	if len(a.TooLong) == 0 {
		return nil
	}
	t := a.TooLong[0]
	return fmt.Errorf("%d of %d tasks don't fit into the model's context of %d tokens; the first is %s, which needs %d", len(a.TooLong), a.Tasks, context, t.ID, t.Tokens)
}
