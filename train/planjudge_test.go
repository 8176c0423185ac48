package train

import (
	"context"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train/implicit"
)

// TestPlanCountsJudges: models that a reward asks are held all the time, and their largest forward pass takes what the plan
// says, no more and not much less.
func TestPlanCountsJudges(t *testing.T) {
	l := &ledger{Backend: cpu.New(1), caches: map[compute.Cache]int64{}}
	m, reference := openModel(t, l), openModel(t, l)
	m.Freeze()
	reference.Freeze()
	w := Workload{Config: m.Config(), Trained: 1000, StateBytes: 8000, Prompts: 2, Samples: 2, PromptTokens: 20, MaxTokens: 20}
	without, err := NewPlan(w)
	if err != nil {
		t.Fatal(err)
	}
	w.Judges = []Judge{{Config: m.Config()}, {Config: m.Config(), Adapter: 5000}}
	with, err := NewPlan(w)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := with.Reference-without.Reference, l.live+4*5000; got != want {
		t.Errorf("the judges' weights are planned as %d bytes, want %d", got, want)
	}
	pair, err := policy.NewPair(m, reference)
	if err != nil {
		t.Fatal(err)
	}
	prompt, answer := make([]int32, 20), make([]int32, 123)
	sequences := []rewards.Sequence{{Prompt: prompt, Tokens: answer}, {Prompt: prompt, Tokens: answer}, {Prompt: prompt, Tokens: answer}, {Prompt: prompt, Tokens: answer}}
	held := l.live
	l.peak = held
	if _, err := implicit.LogProbs(context.Background(), pair, sequences); err != nil {
		t.Fatal(err)
	}
	if took, planned := l.peak-held, w.judgingBytes(); took > planned || float64(took) < 0.8*float64(planned) || with.Rollout < planned {
		t.Errorf("judging takes %d bytes, planned are %d in a rollout of %d", took, planned, with.Rollout)
	}
}
