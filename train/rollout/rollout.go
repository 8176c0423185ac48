// Package rollout turns tasks into scored samples: render, generate, score. Training, evaluation and sampling share
// it. Start with [Render] and [Roll].
package rollout

import (
	"context"
	"fmt"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/rewards"
)

// Prompt is a task in the model's tokens.
type Prompt struct {
	Index int // the task's index in its env
	Slot  int // its place in the step, which keys its draws: the same task in another slot is answered anew
	Task  envs.Task
	IDs   []int32
}

// Sample is one completion with what the rewards said of it.
type Sample struct {
	policy.Completion
	Result rewards.Result
}

// Group is the samples of one prompt.
type Group struct {
	Prompt
	Samples []Sample
}

// Render puts tasks into the model's tokens: messages through its chat template, text as it is, ids unchanged. Slots count
// from 0; a step that asks for more tasks must go on from those it has.
func Render(m *policy.Model, env envs.Env, indices []int) ([]Prompt, error) {
	prompts := make([]Prompt, len(indices))
	for i, index := range indices {
		task, err := env.Task(index)
		if err != nil {
			return nil, fmt.Errorf("task %d: %w", index, err)
		}
		ids, err := renderTask(m, task)
		if err != nil {
			return nil, fmt.Errorf("task %s: %w", task.ID, err)
		}
		if len(ids) == 0 {
			return nil, fmt.Errorf("task %s: its prompt is empty, want at least one token", task.ID)
		}
		prompts[i] = Prompt{Index: index, Slot: i, Task: task, IDs: ids}
	}
	return prompts, nil
}

func renderTask(m *policy.Model, task envs.Task) ([]int32, error) {
	switch {
	case len(task.Messages) > 0:
		_, ids, err := m.Render(chatMessages(task.Messages), true)
		return ids, err
	case task.Text != "":
		return m.Encode(task.Text), nil
	case len(task.PromptIDs) > 0:
		return task.PromptIDs, m.CheckIDs(task.PromptIDs)
	}
	return nil, fmt.Errorf("it has neither messages, nor text, nor ids for a prompt")
}

// Demonstration is the tokens that supervised training wants after the prompt, with the end-of-sequence token.
func Demonstration(m *policy.Model, task envs.Task) ([]int32, error) {
	if len(task.TargetIDs) > 0 {
		if err := m.CheckIDs(task.TargetIDs); err != nil {
			return nil, fmt.Errorf("task %s: its demonstration: %w", task.ID, err)
		}
		return task.TargetIDs, nil
	}
	if task.Demonstration == "" {
		return nil, fmt.Errorf("task %s has no demonstration, and sft trains on demonstrations", task.ID)
	}
	ids := m.Encode(task.Demonstration)
	if eos, ok := m.EOS(); ok {
		ids = append(ids, eos)
	}
	return ids, nil
}

func chatMessages(ms []envs.Message) []policy.Message {
	out := make([]policy.Message, len(ms))
	for i, m := range ms {
		out[i] = policy.Message{Role: m.Role, Content: m.Content}
	}
	return out
}

// Generate samples every prompt; groups come back in the prompts' order, samples in theirs.
func Generate(ctx context.Context, m *policy.Model, prompts []Prompt, samples int, d policy.Decoding) (groups []Group, computed int, err error) {
	groups = make([]Group, len(prompts))
	reqs := make([]policy.Request, len(prompts))
	for i, p := range prompts {
		groups[i] = Group{Prompt: p, Samples: make([]Sample, samples)}
		reqs[i] = policy.Request{Prompt: p.IDs, Samples: samples, Slot: uint32(p.Slot)}
	}
	for c, err := range m.Generate(ctx, reqs, d, &computed) {
		if err != nil {
			return nil, computed, err
		}
		groups[c.Request].Samples[c.Sample].Completion = c
	}
	return groups, computed, nil
}

// Score asks the rewards about every sample. A missing score stays missing.
func Score(ctx context.Context, r *rewards.Composite, groups []Group, step int) error {
	var attempts []rewards.Attempt
	var places []rewards.Place
	for _, g := range groups {
		for k, s := range g.Samples {
			attempts = append(attempts, Attempt(g.Task, s.Completion, step))
			attempts[len(attempts)-1].PromptIDs = g.IDs
			places = append(places, rewards.Place{Step: step, Slot: g.Slot, Sample: k})
		}
	}
	results, err := r.ScoreAll(ctx, attempts, places...)
	if err != nil {
		return err
	}
	i := 0
	for _, g := range groups {
		for k := range g.Samples {
			g.Samples[k].Result = results[i]
			i++
		}
	}
	return nil
}

// Attempt is what a reward sees of a completion.
func Attempt(task envs.Task, c policy.Completion, step int) rewards.Attempt {
	ms := make([]rewards.Message, len(task.Messages))
	for i, m := range task.Messages {
		ms[i] = rewards.Message{Role: m.Role, Content: m.Content}
	}
	return rewards.Attempt{
		Text: c.Text, Tokens: len(c.Tokens), Offsets: c.Offsets, Stop: string(c.Stop), IDs: c.Tokens,
		Task: rewards.Task{Messages: ms, Reference: task.Reference, Metadata: task.Metadata, Schema: task.Schema, Step: step},
	}
}
