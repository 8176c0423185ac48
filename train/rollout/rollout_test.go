package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/generate"
	"github.com/burnish-rl/burnish/rewards"
)

const config = `{"model_type": "llama", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
 "vocab_size": 442, "max_position_embeddings": 128, "rms_norm_eps": 1e-05, "tie_word_embeddings": true, "initializer_range": 0.3}`

func openModel(t *testing.T) *policy.Model {
	t.Helper()
	m, err := policy.OpenNew([]byte(config), "builtin:tiny", 3, cpu.New(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

type list []envs.Task

func (l list) Task(i int) (envs.Task, error) {
	if i >= len(l) {
		return envs.Task{}, errors.New("no such line")
	}
	return l[i], nil
}

var tasks = list{
	{ID: "chat", Messages: []envs.Message{{Role: "system", Content: "Be short."}, {Role: "user", Content: "2 + 3?"}}, Reference: "5", Demonstration: "5 it is",
		Metadata: map[string]string{"k": "v"}, Schema: "{}"},
	{ID: "text", Text: "2 + 3 ="},
	{ID: "ids", PromptIDs: []int32{7, 8, 9}, TargetIDs: []int32{10, 11}},
}

func TestRender(t *testing.T) {
	m := openModel(t)
	ps, err := Render(m, tasks, []int{2, 0, 1})
	if err != nil {
		t.Fatal(err)
	}

	const chat = "<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user\n2 + 3?<|im_end|>\n<|im_start|>assistant\n"
	if got := m.Tokenizer().Decode(ps[1].IDs, false); got != chat {
		t.Errorf("messages are %q, want %q", got, chat)
	}
	if !slices.Equal(ps[2].IDs, m.Encode("2 + 3 =")) || !slices.Equal(ps[0].IDs, []int32{7, 8, 9}) {
		t.Errorf("text is %v, ids are %v", ps[2].IDs, ps[0].IDs)
	}
	if ps[0].Index != 2 || ps[1].Index != 0 || ps[1].Task.ID != "chat" {
		t.Errorf("prompts are out of order: %v", ps)
	}
}

func TestRenderErrors(t *testing.T) {
	m := openModel(t)
	for _, c := range []struct {
		task envs.Task
		want string
	}{
		{envs.Task{ID: "a"}, "task a: it has neither messages, nor text, nor ids"},
		{envs.Task{ID: "b", PromptIDs: []int32{1, 442}}, "task b: token 1 is id 442"},
		{envs.Task{ID: "c", PromptIDs: []int32{-1}}, "task c: token 0 is id -1"},
	} {
		if _, err := Render(m, list{c.task}, []int{0}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	if _, err := Render(m, tasks, []int{0, 9}); err == nil || !strings.Contains(err.Error(), "task 9: no such line") {
		t.Errorf("error %v", err)
	}
}

func TestDemonstration(t *testing.T) {
	m := openModel(t)
	end, _ := m.EOS()
	got, err := Demonstration(m, tasks[0])
	if err != nil || !slices.Equal(got, append(m.Encode("5 it is"), end)) {
		t.Errorf("ids %v, error %v, want the text's and the end token", got, err)
	}
	if got, err = Demonstration(m, tasks[2]); err != nil || !slices.Equal(got, []int32{10, 11}) {
		t.Errorf("ids %v, error %v, want those given, unchanged", got, err)
	}
	for want, task := range map[string]envs.Task{
		"task text has no demonstration":                tasks[1],
		"task x: its demonstration: token 0 is id 1000": {ID: "x", TargetIDs: []int32{1000}},
	} {
		if _, err := Demonstration(m, task); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// place is a reward that remembers what it was asked, and says so in its score.
type place struct{}

func (r place) Score(ctx context.Context, a rewards.Attempt) (rewards.Result, error) {
	p, ok := rewards.PlaceOf(ctx)
	if !ok {
		return rewards.Result{}, errors.New("no place")
	}
	if p.Slot == 1 && p.Sample == 1 {
		return rewards.Result{Missing: "not asked"}, nil
	}
	return rewards.Result{Score: float64(100*p.Step + 10*p.Slot + p.Sample), Notes: []string{a.Task.Reference + a.Stop}}, nil
}

// TestGenerateAndScore: groups and samples come in order, each with its own score, and what the reward sees is the task's.
func TestGenerateAndScore(t *testing.T) {
	m := openModel(t)
	ctx := context.Background()
	ps, err := Render(m, tasks, []int{0, 1, 2, 1})
	if err != nil {
		t.Fatal(err)
	}
	d := policy.Decoding{Decoding: generate.Decoding{Temperature: 1}, MaxTokens: 6, Seed: 2, MaxRunning: 3}
	groups, computed, err := Generate(ctx, m, ps, 3, d)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for i, g := range groups {
		want += len(g.IDs)
		for k, s := range g.Samples {
			want += len(s.Tokens) - 1
			if s.Request != i || s.Sample != k || len(s.Tokens) == 0 {
				t.Errorf("in place %d, %d stands request %d, sample %d with %d tokens", i, k, s.Request, s.Sample, len(s.Tokens))
			}
		}
	}
	if computed != want {
		t.Errorf("%d rows computed, want %d", computed, want)
	}
	if slices.Equal(groups[1].Samples[0].Tokens, groups[3].Samples[0].Tokens) {
		t.Error("the same task in two slots gave the same sample")
	}
	judges, err := rewards.NewComposite([]rewards.Weighted{{Name: "place", Weight: 1, Reward: place{}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := Score(ctx, judges, groups, 4); err != nil {
		t.Fatal(err)
	}
	for i, g := range groups {
		for k, s := range g.Samples {
			if i == 1 && k == 1 {
				if s.Result.Missing != "place: not asked" {
					t.Errorf("missing %q", s.Result.Missing)
				}
				continue
			}
			if s.Result.Score != float64(400+10*i+k) || fmt.Sprint(s.Result.Notes) != "[place: "+g.Task.Reference+string(s.Stop)+"]" {
				t.Errorf("slot %d, sample %d: score %v, notes %v", i, k, s.Result.Score, s.Result.Notes)
			}
		}
	}
	a := Attempt(tasks[0], groups[0].Samples[0].Completion, 4)
	if a.Task.Step != 4 || a.Task.Schema != "{}" || a.Task.Metadata["k"] != "v" || a.Task.Messages[1].Content != "2 + 3?" || a.Tokens != len(groups[0].Samples[0].Tokens) {
		t.Errorf("attempt %+v", a)
	}
}

// TestSlotsGoOnThroughRefills: a task that comes back within a step, in a later call, is answered anew, while the same slot
// gives the same answer.
func TestSlotsGoOnThroughRefills(t *testing.T) {
	m := openModel(t)
	d := policy.Decoding{Decoding: generate.Decoding{Temperature: 1}, MaxTokens: 12, Seed: 4, Step: 9}
	answers := func(slots ...int) (out []string) {
		prompts, err := Render(m, tasks, make([]int, len(slots))) // task 0 in all of them
		if err != nil {
			t.Fatal(err)
		}
		for i, slot := range slots {
			if prompts[i].Slot != i {
				t.Errorf("prompt %d is rendered into slot %d", i, prompts[i].Slot)
			}
			prompts[i].Slot = slot
		}
		groups, _, err := Generate(t.Context(), m, prompts, 2, d)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			for _, s := range g.Samples {
				out = append(out, fmt.Sprint(s.Tokens))
			}
		}
		return out
	}
	first, refill := answers(0, 1), answers(2, 3)
	all := slices.Concat(first, refill)
	if len(slices.Compact(slices.Sorted(slices.Values(all)))) != 8 {
		t.Errorf("the same task in four slots has equal answers: %q", all)
	}
	if again := answers(3, 0); !slices.Equal(again, slices.Concat(refill[2:], first[:2])) {
		t.Error("a slot's answers depend on the call")
	}
}
