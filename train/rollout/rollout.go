// Package rollout turns tasks into scored samples: render, generate, score. Training, evaluation and sampling share
// it. Start with [Render] and [Roll].
package rollout

import (
	"context"
	"fmt"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/generate"
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
	Greedy  *Sample // the completion without chance, nil unless asked for
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
	return answer(m, task.Demonstration), nil
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
	for i, p := range prompts {
		groups[i] = Group{Prompt: p, Samples: make([]Sample, samples)}
	}
	for c, err := range m.Generate(ctx, requests(prompts, samples), d, &computed) {
		if err != nil {
			return nil, computed, err
		}
		groups[c.Request].Samples[c.Sample].Completion = c
	}
	return groups, computed, nil
}

// Greedy gives each group its prompt's greedy completion. It isn't recorded: nothing is learned from it.
func Greedy(ctx context.Context, m *policy.Model, groups []Group, d policy.Decoding) (computed int, err error) {
	d.Decoding, d.Record, d.Statistics = generate.Decoding{}, nil, false
	prompts := make([]Prompt, len(groups))
	for i, g := range groups {
		prompts[i] = g.Prompt
	}
	for c, err := range m.Generate(ctx, requests(prompts, 1), d, &computed) {
		if err != nil {
			return computed, err
		}
		groups[c.Request].Greedy = &Sample{Completion: c}
	}
	return computed, nil
}

func requests(prompts []Prompt, samples int) []policy.Request {
	reqs := make([]policy.Request, len(prompts))
	for i, p := range prompts {
		reqs[i] = policy.Request{Prompt: p.IDs, Samples: samples, Slot: uint32(p.Slot)}
	}
	return reqs
}

// judged lists all that is scored of a group: its samples, then its greedy completion, whose place is behind theirs.
func (g *Group) judged() []*Sample {
	var all []*Sample
	for k := range g.Samples {
		all = append(all, &g.Samples[k])
	}
	if g.Greedy != nil {
		all = append(all, g.Greedy)
	}
	return all
}

// Score asks the rewards about every sample, and about greedy completions. A missing score stays missing.
func Score(ctx context.Context, r *rewards.Composite, groups []Group, step int) error {
	var attempts []rewards.Attempt
	var places []rewards.Place
	for _, g := range groups {
		for k, s := range g.judged() {
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
		for _, s := range g.judged() {
			s.Result = results[i]
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
