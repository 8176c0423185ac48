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
		c.Algo = &says{SFT: algos.SFT{Reduce: "token_mean"}, linear: linear, square: square}
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

// TestKeptLayersChangeNoBitOfARun: neither layers that are run again nor what the rollout recorded; a recording that is
// too small is not used.
func TestKeptLayersChangeNoBitOfARun(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	runAll(t, setup{}.config(t, plain))
	for name, change := range map[string]func(*Config){
		"one kept":      func(c *Config) { c.KeptLayers = 1 },
		"recorded":      func(c *Config) { c.RecordedRows, c.RecordedLayers = 2000, 2 },
		"one recorded":  func(c *Config) { c.RecordedRows, c.RecordedLayers, c.MicroBatchTokens = 2000, 1, 1 },
		"no room":       func(c *Config) { c.RecordedRows, c.RecordedLayers = 40, 2 },
		"few at a time": func(c *Config) { c.RecordedRows, c.RecordedLayers, c.Decoding.MaxRunning = 2000, 2, 3 },
	} {
		dir := filepath.Join(t.TempDir(), "run")
		runAll(t, setup{change: change}.config(t, dir))
		sameTree(t, name, dir, plain)
	}
}
