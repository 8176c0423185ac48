package train

import (
	"context"
	"encoding"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/train/run"
)

// failingSampler can't be saved in one of its saves.
type failingSampler struct {
	sampler.Sampler
	left int // saves that succeed
}

func (s *failingSampler) MarshalBinary() ([]byte, error) {
	if s.left--; s.left < 0 {
		return nil, errors.New("no room")
	}
	return s.Sampler.(encoding.BinaryMarshaler).MarshalBinary()
}

func (s *failingSampler) UnmarshalBinary(data []byte) error {
	return s.Sampler.(encoding.BinaryUnmarshaler).UnmarshalBinary(data)
}

// TestAFailedCheckpointLeavesTheOldOne: whole, and a run that goes on from it ends as an unbroken one.
func TestAFailedCheckpointLeavesTheOldOne(t *testing.T) {
	whole, broken := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "broken")
	s := setup{threads: 2, change: func(c *Config) { c.Eval = Evaluation{} }}
	runAll(t, s.config(t, whole))
	c := s.config(t, broken)
	c.Sampler = &failingSampler{c.Sampler, 1}
	tr := newTrainer(t, c)
	err := tr.Run(context.Background(), context.Background())
	if err == nil || !strings.Contains(err.Error(), "checkpoint of step 4: sampler: no room") {
		t.Fatalf("error %v, want that of the checkpoint of step 4", err)
	}
	tr.Close()
	if steps, _ := run.Steps(broken); !slices.Equal(steps, []int{2}) {
		t.Fatalf("checkpoints %v, want that of step 2", steps)
	}
	entries, err := os.ReadDir(filepath.Join(broken, "checkpoints"))
	if err != nil || len(entries) != 2 { // step-2, latest
		t.Errorf("%v in checkpoints (error %v), want step-2 and latest", entries, err)
	}
	if _, err := policy.Open(broken, cpu.New(1)); err != nil {
		t.Errorf("the old checkpoint is broken: %v", err)
	}
	c = s.config(t, broken)
	c.Resume = true
	runAll(t, c)
	sameTree(t, "after a failed checkpoint", broken, whole)
}

// TestCheckpointIsTheModel: what policy.Open reads from the run folder has the weights of the trained model.
func TestCheckpointIsTheModel(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setups["grpo"].config(t, dir)
	runAll(t, c)
	m, err := policy.Open(dir, cpu.New(1))
	if err != nil {
		t.Fatal(err)
	}
	if !sameBits(weightsOf(m), weightsOf(c.Model)) {
		t.Error("the latest checkpoint has other weights than the trained model")
	}
}

// TestWhichCheckpointsAreSavedAndKept: every second step and the last are saved, and each new best; the newest two and
// the best stay, and one that an interruption made goes with the next.
func TestWhichCheckpointsAreSavedAndKept(t *testing.T) {
	for _, c := range []struct {
		name                    string
		every, steps, best, at  int
		there, planned, wantNow []int
	}{
		{"every second", 2, 7, 0, 4, []int{2, 4}, []int{2, 4, 6, 7}, []int{2, 4}},
		{"the oldest goes", 2, 7, 0, 6, []int{2, 4, 6}, []int{2, 4, 6, 7}, []int{4, 6}},
		{"the best stays", 2, 7, 2, 7, []int{2, 4, 6, 7}, []int{2, 4, 6, 7}, []int{2, 6, 7}},
		{"a best between", 2, 7, 3, 7, []int{3, 6, 7}, []int{2, 3, 4, 6, 7}, []int{3, 6, 7}},
		{"the former best goes", 4, 8, 5, 5, []int{3, 4, 5}, []int{4, 5, 8}, []int{4, 5}},
		{"interrupted", 2, 7, 0, 5, []int{2, 4, 5}, []int{2, 4, 6, 7}, []int{4, 5}},
		{"after an interruption", 2, 7, 0, 6, []int{4, 5, 6}, []int{2, 4, 6, 7}, []int{4, 6}},
		{"only at the end", 0, 3, 0, 3, []int{3}, []int{3}, []int{3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := &Trainer{Config: Config{CheckpointEvery: c.every, CheckpointKeep: 2, Steps: c.steps}, at: c.at, best: best{Step: c.best}}
			var planned []int
			for step := 1; step <= c.steps; step++ {
				if tr.planned(step) {
					planned = append(planned, step)
				}
			}
			if !slices.Equal(planned, c.planned) {
				t.Errorf("saved after %v, want %v", planned, c.planned)
			}
			kept := tr.keep(c.there)
			slices.Sort(kept)
			if kept = slices.Compact(kept); !slices.Equal(kept, c.wantNow) {
				t.Errorf("of %v %v stay, want %v", c.there, kept, c.wantNow)
			}
		})
	}
}

// TestBestIsMarked: the file best names the step whose evaluation was highest, the first of equals.
func TestBestIsMarked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	tr := newTrainer(t, setups["grpo"].config(t, dir))
	if err := tr.Run(context.Background(), context.Background()); err != nil {
		t.Fatal(err)
	}
	want, highest := 0, -1.0
	for _, m := range metricLines(t, dir) {
		if v, ok := m["eval/both"]; ok && m["step"] > 0 && v > highest {
			want, highest = int(m["step"]), v
		}
	}
	name, err := os.ReadFile(filepath.Join(dir, "checkpoints", "best"))
	if err != nil || want == 0 || strings.TrimSpace(string(name)) != filepath.Base(run.CheckpointDir(dir, want)) {
		t.Errorf("best is %q (error %v), want that of step %d", name, err, want)
	}
	if latest, err := os.ReadFile(filepath.Join(dir, "checkpoints", "latest")); err != nil || string(latest) != "step-6\n" {
		t.Errorf("latest is %q (error %v), want step-6", latest, err)
	}
	var evaluated []float64
	for _, m := range metricLines(t, dir) {
		if _, ok := m["eval/json_valid"]; ok {
			evaluated = append(evaluated, m["step"])
		}
	}
	if !slices.Equal(evaluated, []float64{0, 2, 4, 6}) {
		t.Errorf("evaluated after steps %v, want 0, 2, 4, 6", evaluated)
	}
}
