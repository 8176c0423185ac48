package train

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/algos/loss"
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
