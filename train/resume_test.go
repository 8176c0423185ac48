package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/burnish-rl/burnish/train/schedule"
)

// withMasks has an entropy bonus, and everything that multiplies the policy's term.
func withMasks(c *Config) {
	a := c.Algo.(*algos.OnPolicy)
	a.EntropyCoef, a.TopEntropy, a.OffPolicyLimit = 0.02, 0.4, 1e-3
	a.Importance, a.ImportanceLimit, c.Decoding.TopK = "sequence_truncate", 3, 12
}

// following has a reference that becomes the policy after every second step.
func following(c *Config) {
	withKL(c)
	c.Algo.(*algos.OnPolicy).SyncRef = 2
}

func withKL(c *Config) { c.Algo.(*algos.OnPolicy).KLCoef = 0.1 }

func supervised(c *Config) {
	c.Algo, c.Rewards, c.Samples = algorithm("sft"), nil, 1
	c.Optim, c.Rate = &optim.SGD{Momentum: 0.9}, 0.05
}

// setups are runs of every kind.
var setups = map[string]setup{
	"grpo":                {threads: 2},
	"grpo, second model":  {threads: 2, reference: true, change: withKL},
	"grpo, lora and kl":   {threads: 2, lora: true, change: withKL},
	"sft":                 {threads: 2, change: supervised},
	"sft, prompts, lora":  {threads: 2, lora: true, change: func(c *Config) { supervised(c); c.Algo.(*algos.SFT).TrainPrompt = true }},
	"oblr-po":             {threads: 2, change: gradientWeighted("weighted")},
	"oblr-po, auto, lora": {threads: 2, lora: true, change: gradientWeighted("auto")},
	"dpo":                 {threads: 2, reference: true, change: preferring("dpo", false)},
	"dpo, lora, rollouts": {threads: 2, lora: true, change: preferring("dpo", true)},
	"kto":                 {threads: 2, reference: true, change: preferring("kto", false)},
	"sami":                {threads: 2, change: preferring("sami", false)},
	"sami, rollouts":      {threads: 2, change: preferring("sami", true)},
	"grpo, follows":       {threads: 2, reference: true, change: following},
	"grpo, lora, follows": {threads: 2, lora: true, change: following},
	"grpo, four updates":  {threads: 2, reference: true, change: func(c *Config) { severalUpdates(c); withKL(c); withMasks(c) }},
	"grpo, lora, entropy": {threads: 2, lora: true, change: func(c *Config) { withKL(c); c.Algo.(*algos.OnPolicy).EntropyCoef = 0.02 }},
	"oblr-po, 2 batches":  {threads: 2, change: func(c *Config) { gradientWeighted("weighted")(c); c.Prompts, c.BatchPrompts = 8, 4 }},
	"oblr-po, by token":   {threads: 2, change: gradientWeighted("token")},
	"remax, some refilled": {threads: 2, change: func(c *Config) {
		drawnInPart(c)
		c.Algo = algorithm("remax")
		c.Algo.(*algos.OnPolicy).DynamicSampling = 4
	}},
	"grpo, constant rate": {threads: 2, change: func(c *Config) { c.Schedule, c.CheckpointEvery, c.Eval = &schedule.Constant{}, 0, Evaluation{} }},
}

// TestResumedRunLeavesTheSameBytes: 6 steps are 3 steps and 3 more, or 1 and 4 and 1.
func TestResumedRunLeavesTheSameBytes(t *testing.T) {
	for name, s := range setups {
		t.Run(name, func(t *testing.T) {
			whole := filepath.Join(t.TempDir(), "whole")
			runAll(t, s.config(t, whole))
			if n := metricLines(t, whole)[len(metricLines(t, whole))-1]["grad_norm"]; n == 0 {
				t.Fatal("the last step has no gradient, so nothing is tested")
			}
			for _, stops := range [][]int{{3}, {1, 5}} {
				broken := filepath.Join(t.TempDir(), "broken")
				for i, stop := range append(stops, 0) {
					c := s.config(t, broken)
					c.StopAfter, c.Resume = stop, i > 0
					runAll(t, c)
				}
				sameTree(t, fmt.Sprint("stopped after ", stops), broken, whole)
			}
		})
	}
}

// TestThreadsAndMicroBatchesLeaveTheSameBytes: of log-probs, metrics, weights and optimizer state.
func TestThreadsAndMicroBatchesLeaveTheSameBytes(t *testing.T) {
	for name, s := range setups {
		t.Run(name, func(t *testing.T) {
			s := s
			whole := filepath.Join(t.TempDir(), "whole")
			change := s.change
			s.change = func(c *Config) {
				if change != nil {
					change(c)
				}
				c.Steps = 3
			}
			runAll(t, s.config(t, whole))
			for i, tokens := range []int{1, 90, 1 << 20} {
				s.threads = []int{1, 3, 2}[i]
				dir := filepath.Join(t.TempDir(), "other")
				c := s.config(t, dir)
				c.MicroBatchTokens = tokens
				runAll(t, c)
				sameTree(t, fmt.Sprintf("%d threads, micro-batches of %d", s.threads, tokens), dir, whole)
			}
		})
	}
}

// TestInterruptIsSaved: a context that ends stops after the step in hand; the other stops at once and saves nothing.
func TestInterruptIsSaved(t *testing.T) {
	whole, broken := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "broken")
	runAll(t, setups["grpo"].config(t, whole))

	soft, stop := context.WithCancel(context.Background())
	hard, kill := context.WithCancel(context.Background())
	c := setups["grpo"].config(t, broken)
	tr := newTrainer(t, c)
	tr.afterRollout = stop // in the first step
	if err := tr.Run(soft, hard); !errors.Is(err, ErrInterrupted) || tr.Step() != 1 {
		t.Fatalf("stopped after step %d with error %v, want ErrInterrupted after step 1", tr.Step(), err)
	}
	tr.Close()
	c = setups["grpo"].config(t, broken)
	c.Resume = true
	tr = newTrainer(t, c)
	tr.afterRollout = func() {
		if tr.Step() == 2 {
			kill()
		}
	}
	if err := tr.Run(context.Background(), hard); !errors.Is(err, context.Canceled) || tr.Step() != 2 {
		t.Fatalf("stopped after step %d with error %v, want the context's after step 2", tr.Step(), err)
	}
	tr.Close()
	c = setups["grpo"].config(t, broken)
	c.Resume = true
	runAll(t, c)
	sameTree(t, "interrupted twice", broken, whole)
}

func TestResumeRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setups["grpo"].config(t, dir)
	c.StopAfter = 2
	runAll(t, c)
	for _, x := range []struct {
		name, want string
		spoil      func(c *Config)
	}{
		{"another recipe", "the recipe is not the one", func(c *Config) { c.Recipe = []byte("steps: 7\n") }},
		{"another seed of the sampler", "sampler", func(c *Config) {
			c.Sampler, _ = (&sampler.Uniform{}).Open(2, sampler.Unlimited)
		}},
		{"another optimizer", "momentum_buffer", func(c *Config) { c.Optim = &optim.SGD{Momentum: 0.9} }},
		{"not a run", "not a run folder", func(c *Config) { c.Dir = t.TempDir() }},
		{"a new run in its place", "already holds a run", func(c *Config) { c.Resume = false }},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := setups["grpo"].config(t, dir)
			c.Resume = true
			x.spoil(&c)
			if _, err := New(c); err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("error %v, want one with %q", err, x.want)
			}
		})
	}
	state := filepath.Join(run.CheckpointDir(dir, 2), trainerDir, stateFile)
	for text, want := range map[string]string{"{": stateFile, `{"step": 3}`: "step 3, want 2"} {
		if err := os.WriteFile(state, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c := setups["grpo"].config(t, dir)
		c.Resume = true
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "step-2") {
			t.Errorf("error %v, want one with %q and the checkpoint", err, want)
		}
	}
}
