package train

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train/schedule"
)

// TestZeroVariance: groups whose rewards are all equal have a gradient of exactly 0.
func TestZeroVariance(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: oneStep}.config(t, dir)
	byFunction(t, &c, func(a rewards.Attempt, p rewards.Place) rewards.Result {
		return rewards.Result{Score: 0.1 * float64(1+p.Slot)}
	})
	before := weightsOf(c.Model)
	runAll(t, c)
	if !sameBits(weightsOf(c.Model), before) {
		t.Error("the weights have changed")
	}
	m := metricLines(t, dir)[0]
	if m["grad_norm"] != 0 || m["loss"] != 0 || m["zero_variance_groups"] != 3 {
		t.Errorf("grad_norm %v, loss %v, zero_variance_groups %v, want 0, 0, 3", m["grad_norm"], m["loss"], m["zero_variance_groups"])
	}
}

func missing(rewards.Attempt, rewards.Place) rewards.Result { return rewards.Result{Missing: "out"} }

// TestMissingScores: they leave the mean, the deviation and every denominator; their advantage is 0.
func TestMissingScores(t *testing.T) {
	dir, other := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "other")
	out := func(p rewards.Place) bool { return p.Slot == 0 && p.Sample == 1 || p.Slot == 1 && p.Sample > 0 }
	start := func(dir string, value float64) Config {
		c := setup{threads: 2, change: oneStep}.config(t, dir)
		c.Algo.(*algos.OnPolicy).Reduce = "token_mean"
		byFunction(t, &c, func(a rewards.Attempt, p rewards.Place) rewards.Result {
			if out(p) {
				return rewards.Result{Missing: "out", Score: value}
			}
			return lengthAndPlace(a, p)
		})
		return c
	}
	c := start(dir, 0)
	runAll(t, c)
	runAll(t, start(other, 1e6)) // a missing score counts for nothing
	sameTree(t, "another value of what is missing", other, dir)
	m := metricLines(t, dir)[0]
	tokens, scored, sum := 0.0, 0.0, 0.0
	for _, r := range completionLines(t, dir) {
		if out(rewards.Place{Slot: r.Slot, Sample: r.Sample}) {
			if r.Reward != nil || r.Advantage != 0 || r.Missing != "f: out" {
				t.Errorf("slot %d, sample %d: reward %v, advantage %v, missing %q", r.Slot, r.Sample, r.Reward, r.Advantage, r.Missing)
			}
			continue
		}
		tokens += float64(len(r.CompletionIDs))
		scored++
		sum += *r.Reward
	}
	loss := 0.0
	for _, r := range completionLines(t, dir) {
		loss -= r.Advantage * float64(len(r.CompletionIDs)) / tokens
		if r.Slot == 1 && r.Advantage != 0 {
			t.Errorf("the only score of a group has advantage %v", r.Advantage)
		}
	}
	near(t, "missing", m["missing"], 4, 0)
	near(t, "zero_variance_groups", m["zero_variance_groups"], 1, 0)
	near(t, "tokens", m["tokens"], tokens, 0)
	near(t, "loss", m["loss"], loss, 1e-12)
	near(t, "reward", m["reward"], sum/scored, 1e-12)
}

// TestAllScoresMissing: such a step learns nothing, not even from the optimizer's momentum, and the run goes on.
func TestAllScoresMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, reference: true, change: withKL}.config(t, dir)
	c.Rate, c.Schedule, c.Eval = 0.01, &schedule.Constant{}, Evaluation{}
	byFunction(t, &c, func(a rewards.Attempt, p rewards.Place) rewards.Result {
		if p.Step == 3 {
			return missing(a, p)
		}
		return lengthAndPlace(a, p)
	})
	tr := newTrainer(t, c)
	var seen [][]float32
	tr.afterRollout = func() { seen = append(seen, weightsOf(tr.Model)) }
	if err := tr.Run(context.Background(), context.Background()); err != nil {
		t.Fatal(err)
	}
	if !sameBits(seen[2], seen[3]) || sameBits(seen[1], seen[2]) || sameBits(seen[3], seen[4]) {
		t.Error("the weights must change in steps 2 and 4 and not in step 3")
	}
	m := metricLines(t, dir)[2]
	if _, ok := m["reward"]; ok || m["missing"] != 12 || m["grad_norm"] != 0 || m["tokens"] != 0 {
		t.Errorf("metrics of the step: %v", m)
	}
	if _, ok := m["entropy"]; ok {
		t.Errorf("entropy over no tokens is %v, want null", m["entropy"])
	}
}
