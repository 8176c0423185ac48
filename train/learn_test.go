package train

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/algos/loss"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/google/go-cmp/cmp"
	G "gorgonia.org/gorgonia"
)

// says is SFT with another objective, or another claim about it.
type says struct {
	algos.SFT
	linear bool
	square bool // the loss is logp², whose gradient depends on logp
}

func (s *says) Needs() algos.Needs {
	n := s.SFT.Needs()
	n.Linear = s.linear
	return n
}

func (s *says) Objective() loss.Objective {
	if !s.square {
		return s.SFT.Objective()
	}
	return func(x *loss.Expr, t loss.Tokens) *G.Node { return x.Mul(t.LogP, t.LogP) }
}

func saying(linear, square bool) func(*Config) {
	return func(c *Config) {
		supervised(c)
		c.Algo = &says{SFT: *algorithm("sft").(*algos.SFT), linear: linear, square: square}
	}
}

// TestLearningAtOnceChangesNoBit: a linear loss learns the same whether its gradient was known beforehand or not.
func TestLearningAtOnceChangesNoBit(t *testing.T) {
	once, twice := filepath.Join(t.TempDir(), "once"), filepath.Join(t.TempDir(), "twice")
	runAll(t, setup{change: supervised}.config(t, once))
	runAll(t, setup{change: saying(false, false)}.config(t, twice))
	sameTree(t, "at once, in two passes", once, twice)
}

// TestAWrongClaimStopsTheRun: a loss that isn't linear must not say so; without the claim it is learned from.
func TestAWrongClaimStopsTheRun(t *testing.T) {
	runAll(t, setup{change: saying(false, true)}.config(t, filepath.Join(t.TempDir(), "run")))
	tr := newTrainer(t, setup{change: saying(true, true)}.config(t, filepath.Join(t.TempDir(), "run")))
	before := weightsOf(tr.Model)
	err := tr.Run(context.Background(), context.Background())
	if err == nil || !strings.Contains(err.Error(), "step 1: the algorithm says that its loss is linear") {
		t.Errorf("error %v, want one of the claim", err)
	}
	if !sameBits(weightsOf(tr.Model), before) {
		t.Error("the optimizer stepped all the same")
	}
}

// TestSkippedGroupsChangeNoBit: groups of equal scores have no backward pass, and the run has the same weights and
// metrics as if they had one. A KL penalty keeps them from being skipped.
func TestSkippedGroupsChangeNoBit(t *testing.T) {
	run := func(never bool, kl float64) (weights []float32, lines []map[string]float64, skipped float64) {
		dir := filepath.Join(t.TempDir(), "run")
		c := setup{reference: kl > 0, change: func(c *Config) {
			c.Algo.(*algos.OnPolicy).KLCoef, c.Eval = kl, Evaluation{}
		}}.config(t, dir)
		byFunction(t, &c, func(a rewards.Attempt, p rewards.Place) rewards.Result {
			if p.Slot == 1 {
				return rewards.Result{Score: 0.3}
			}
			return lengthAndPlace(a, p)
		})
		tr := newTrainer(t, c)
		tr.neverSkip = never
		if err := tr.Run(context.Background(), context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, m := range metricLines(t, dir) {
			skipped += m["zero_variance_skipped"]
			for _, k := range []string{"loss", "grad_norm", "entropy", "logp_gap", "tokens", "tokens_computed", "zero_variance_groups"} {
				lines = append(lines, map[string]float64{k: m[k]})
			}
		}
		return weightsOf(tr.Model), lines, skipped
	}
	weights, lines, n := run(false, 0)
	whole, wholeLines, none := run(true, 0)
	if n != 6 || none != 0 {
		t.Errorf("%v groups were skipped, and %v when none should be; want 6 and 0", n, none)
	}
	if !sameBits(weights, whole) {
		t.Error("the weights differ")
	}
	if diff := cmp.Diff(wholeLines, lines); diff != "" {
		t.Error(diff)
	}
	if _, _, n := run(false, 0.1); n != 0 {
		t.Errorf("%v groups were skipped under a KL penalty", n)
	}
}

// TestKeptLayersChangeNoBitOfARun.
func TestKeptLayersChangeNoBitOfARun(t *testing.T) {
	all, one := filepath.Join(t.TempDir(), "all"), filepath.Join(t.TempDir(), "one")
	runAll(t, setup{}.config(t, all))
	runAll(t, setup{change: func(c *Config) { c.KeptLayers = 1 }}.config(t, one))
	sameTree(t, "all layers kept, one kept", one, all)
}

// TestRecordedLayersChangeNoBitOfARun: with all layers recorded, with one, and with room for too few rows, when the
// update runs its own forward pass.
func TestRecordedLayersChangeNoBitOfARun(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	runAll(t, setup{}.config(t, none))
	for name, room := range map[string][2]int{"all": {2, 4096}, "one": {1, 4096}, "few": {2, 30}} {
		dir := filepath.Join(t.TempDir(), name)
		tr := newTrainer(t, setup{change: func(c *Config) { c.RecordedLayers, c.RecordedRows = room[0], room[1] }}.config(t, dir))
		tr.afterRollout = func() {
			if whole := tr.recording.Whole(); whole != (name != "few") {
				t.Errorf("%s: step %d was recorded whole: %v", name, tr.Step()+1, whole)
			}
		}
		if err := tr.Run(context.Background(), context.Background()); err != nil {
			t.Fatal(err)
		}
		if tr.recording != nil {
			t.Errorf("%s: the evaluation at the end found the rollout's activations still there", name)
		}
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
		sameTree(t, "recorded layers: "+name, dir, none)
	}
}
