package train

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/schedule"
)

// gradientWeighted is OBLR-PO with a baseline, four prompts a step, and steps that are measured in Adam's metric.
func gradientWeighted(baseline string) func(*Config) {
	return func(c *Config) {
		a := algos.OBLRPO{
			Baseline: baseline, Weights: algos.ExactNorm, Kappa: 1, SNR: algos.SNRRate{On: true, Beta: .9, Floor: .05, Power: .5, Lag: 1},
			ClipLow: .2, ClipHigh: .2, ScaleRewards: "none", Reduce: "sequence_sum",
		}
		c.Algo, c.Prompts, c.Schedule = &a, 4, &schedule.Constant{}
	}
}

// TestOBLRPORun: the metrics are there and hang together, the rate follows the factor, and Adam's metric takes over.
func TestOBLRPORun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: gradientWeighted("weighted")}.config(t, dir)
	c.Steps, c.CheckpointEvery, c.Eval = plainSteps+3, 0, Evaluation{}
	var notes []string
	c.Observer = observerFunc(func(e Event) {
		if e.Kind == Note {
			notes = append(notes, e.Text)
		}
	})
	runAll(t, c)
	if len(notes) != 1 || !strings.Contains(notes[0], "4 prompts a step are few") {
		t.Errorf("notes %q, want the warning of few prompts", notes)
	}
	for i, m := range metricLines(t, dir) {
		for _, name := range []string{"snr/rho", "snr/at_floor", "snr/signal", "snr/squared", "snr/noise_step", "variance/ours", "variance/rloo", "variance/mean", "variance/none", "baseline/kappa", "baseline/b0"} {
			if _, ok := m[name]; !ok {
				t.Errorf("step %d: no %s", i+1, name)
			}
		}
		if _, ok := m["biased"]; ok {
			t.Errorf("step %d: said to be biased", i+1)
		}
		if got, want := m["lr"], c.Rate*m["lr/snr"]; math.Abs(got-want) > 1e-15 {
			t.Errorf("step %d: rate %g, want %g", i+1, got, want)
		}
		if f := m["lr/snr"]; !(f > 0 && f <= 1) || i == 0 && f != .1 {
			t.Errorf("step %d: factor %g", i+1, f)
		}
		if i < plainSteps { // the plain metric of the whole is the gradient's norm
			squared := m["snr/signal_step"] + m["snr/noise_step"]
			if math.Abs(squared/(m["grad_norm"]*m["grad_norm"])-1) > 1e-5 {
				t.Errorf("step %d: |g|² %g, gradient norm %g", i+1, squared, m["grad_norm"])
			}
		} else if squared := m["snr/signal_step"] + m["snr/noise_step"]; math.Abs(squared/(m["grad_norm"]*m["grad_norm"])-1) < 1e-3 {
			t.Errorf("step %d: |g|² %g is plain, want Adam's metric", i+1, squared)
		}
		if m["variance/none"] <= m["variance/mean"] {
			t.Errorf("step %d: variance %g without a baseline, %g with the mean", i+1, m["variance/none"], m["variance/mean"])
		}
	}
}

type observerFunc func(Event)

func (f observerFunc) Observe(e Event) { f(e) }

// TestRowNormsOfAStep: the loop's norms are those of the policy, whatever the micro-batches and with the rollout recorded
// or not, and rows without a score have none.
func TestRowNormsOfAStep(t *testing.T) {
	var want [][]float64
	for i, change := range []func(*Config){
		func(*Config) {},
		func(c *Config) { c.MicroBatchTokens = 1 },
		func(c *Config) { c.RecordedLayers, c.RecordedRows = 1, 2000 },
	} {
		c := setup{threads: 2, change: gradientWeighted("weighted")}.config(t, filepath.Join(t.TempDir(), "run"))
		c.Steps, c.Eval = 1, Evaluation{}
		change(&c)
		a := &algoSpy{Algorithm: c.Algo}
		c.Algo = a
		runAll(t, c)
		if i == 0 {
			want = a.norms
		}
		if len(a.norms) != 4 || !(a.norms[0][0] > 0) {
			t.Fatalf("norms %v", a.norms)
		}
		for g := range want {
			if !slices.Equal(a.norms[g], want[g]) {
				t.Errorf("setting %d, group %d: norms %v, want %v", i, g, a.norms[g], want[g])
			}
		}
	}
}

// algoSpy keeps the norms that an algorithm is given.
type algoSpy struct {
	algos.Algorithm
	norms [][]float64
}

func (s *algoSpy) Advantages(groups []algos.Group) ([][]float64, error) {
	for _, g := range groups {
		s.norms = append(s.norms, g.Norms[algos.ExactNorm])
	}
	return s.Algorithm.Advantages(groups)
}

// TestHalvesAlone: the baseline without the rate's factor, and the factor without the baseline.
func TestHalvesAlone(t *testing.T) {
	for name, change := range map[string]func(*algos.OBLRPO){
		"baseline": func(a *algos.OBLRPO) { a.SNR.On = false },
		"rate":     func(a *algos.OBLRPO) { a.Baseline = "rloo" },
	} {
		dir := filepath.Join(t.TempDir(), "run")
		c := setup{threads: 2, change: gradientWeighted("weighted")}.config(t, dir)
		change(c.Algo.(*algos.OBLRPO))
		c.Steps, c.Eval = 2, Evaluation{}
		if name == "baseline" {
			c.Prompts = 2
		}
		runAll(t, c)
		last := metricLines(t, dir)[1]
		if _, ok := last["lr/snr"]; ok != (name == "rate") {
			t.Errorf("%s: a factor on the rate is there: %v", name, ok)
		}
		if _, ok := last["variance/ours"]; ok != (name == "baseline") {
			t.Errorf("%s: a baseline's variance is there: %v", name, ok)
		}
	}
}

// TestAutoTakesOne: the first step probes and says so, the steps after it use what was taken.
func TestAutoTakesOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: gradientWeighted("auto")}.config(t, dir)
	c.Steps, c.Eval = 2, Evaluation{}
	var notes []string
	c.Observer = observerFunc(func(e Event) {
		if e.Kind == Note {
			notes = append(notes, e.Text)
		}
	})
	runAll(t, c)
	m := metricLines(t, dir)
	best, least := "", math.Inf(1)
	for _, name := range []string{"rloo", "len", "energy", "head", "head_exact", "exact"} {
		v, ok := m[0]["probe/"+name]
		if !ok {
			t.Errorf("no variance of %s on the probe batch", name)
		}
		if v < least {
			best, least = name, v
		}
		if _, ok := m[1]["probe/"+name]; ok {
			t.Errorf("%s is probed again", name)
		}
	}
	if len(notes) != 2 || !strings.HasSuffix(notes[1], "took "+best) {
		t.Errorf("notes %q, want one that took %s", notes, best)
	}
}

func TestGradientsRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		lora       bool
		change     func(*Config)
	}{
		{"three prompts", "3 prompts a step, want at least 4", false, func(c *Config) { c.Prompts = 3 }},
		{"lora without an adapter", "weights lora are of an adapter", false, func(c *Config) { c.Algo.(*algos.OBLRPO).Weights = "lora" }},
		{"ghost beside an adapter", "an adapter is trained: want exact or lora", true, func(c *Config) { c.Algo.(*algos.OBLRPO).Weights = "ghost" }},
		{"biased", "is biased", false, func(c *Config) { c.Algo.(*algos.OBLRPO).Reduce = "sequence_mean" }},
	} {
		s := setup{lora: c.lora, change: func(x *Config) { gradientWeighted("weighted")(x); c.change(x) }}
		if _, err := New(s.config(t, filepath.Join(t.TempDir(), "run"))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestPlainMetricUnderSGD: an optimizer without second moments is measured plainly for ever.
func TestPlainMetricUnderSGD(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: gradientWeighted("mean")}.config(t, dir)
	c.Optim, c.Steps, c.Eval = &optim.SGD{}, plainSteps+1, Evaluation{}
	runAll(t, c)
	for i, m := range metricLines(t, dir) {
		squared := m["snr/signal_step"] + m["snr/noise_step"]
		if math.Abs(squared/(m["grad_norm"]*m["grad_norm"])-1) > 1e-5 {
			t.Errorf("step %d: |g|² %g, gradient norm %g", i+1, squared, m["grad_norm"])
		}
	}
}

// TestHoldingLeavesTheSameBytes: deltas that are held for the update and those that it computes again, for every baseline
// and where the loss is no number a row.
func TestHoldingLeavesTheSameBytes(t *testing.T) {
	for name, s := range map[string]setup{
		"full": {threads: 2, change: gradientWeighted("weighted")},
		"auto": {threads: 2, change: gradientWeighted("auto")},
		"lora": {threads: 2, lora: true, change: gradientWeighted("weighted")},
		"kl":   {threads: 2, lora: true, change: func(c *Config) { gradientWeighted("weighted")(c); c.Algo.(*algos.OBLRPO).KLCoef = 0.1 }},
		"head": {threads: 2, change: func(c *Config) {
			gradientWeighted("weighted")(c)
			c.Algo.(*algos.OBLRPO).Weights = "head_exact"
		}},
		"no rate": {threads: 2, change: func(c *Config) { gradientWeighted("weighted")(c); c.Algo.(*algos.OBLRPO).SNR.On = false }},
	} {
		t.Run(name, func(t *testing.T) {
			dirs := map[bool]string{}
			for _, hold := range []bool{false, true} {
				dirs[hold] = filepath.Join(t.TempDir(), "run")
				c := s.config(t, dirs[hold])
				c.Steps, c.HoldNorms, c.Eval = 2, hold, Evaluation{}
				if hold {
					c.MicroBatchTokens, c.RecordedLayers, c.RecordedRows = 90, 1, 2000
				}
				runAll(t, c)
			}
			sameTree(t, "held", dirs[true], dirs[false])
		})
	}
}
