package sweep

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFileIsStrict(t *testing.T) {
	for from, c := range map[string][2]string{
		"seeds: [1, 2]":                               {"seed: [1, 2]", `e.yaml:11:1: unknown key "seed" in the experiment; did you mean "seeds"?`},
		"title: three ways":                           {"question: why", "title is missing"},
		"recipe: tiny.yaml":                           {"recipe: none.yaml", "no such file"},
		"against: plain":                              {"against: plane", `e.yaml:10:10: unknown arm "plane"; did you mean "plain"?`},
		"{mean_rate_of: falling}":                     {"{mean_rate_of: fallen}", `e.yaml:8:38: optim.lr refers to the arm "fallen"`},
		"{kind: linear}":                              {"{kind: linaer}", `unknown schedule "linaer"; did you mean "linear"?`},
		"{train.eval_every: 2}":                       {"{train.eval_evry: 2}", `unknown key "eval_evry" in train; did you mean "eval_every"?`},
		"set: {train.eval_every: 2}":                  {"set: {train.seed: 2}", "e.yaml:4:7: train.seed is set by seeds"},
		"metric: probe/kl,":                           {"metric: probe/lk,", `e.yaml:16:24: unknown metric "probe/lk"`},
		"probe: 4":                                    {"probe: 0", "needs probe, the number of prompts"},
		"{name: rate, metric: lr, at: mean}":          {"{name: rate, metric: lr, at: meen}", `e.yaml:15:34: unknown value "meen"; did you mean "mean"?`},
		"seed: next}}, against: falling":              {"seed: later}}, against: falling", `seed is "later", want same or next`},
		"until: 0, in: completions":                   {"until: 0", "until goes with in, and without at"},
		"seeds: [1, 2]\nprobe":                        {"seeds: [1, 1]\nprobe", "e.yaml:11:12: seed 1 is given twice"},
		"plot: {metric: eval/tokens_mean}":            {"plot: {axis: optim.lr, measures: [rate]}", `axis "optim.lr" is no key of the grid with numbers > 0 in arm "plain"`},
		"recipe: tiny.yaml\nset":                      {"recipe: tiny.yaml\nstages: [{name: a, recipe: tiny.yaml}]\nset", "recipe and stages are both given"},
		"plot: {metric: eval/tokens_mean}\n":          {"plot: {}\n", "plot wants a metric, or an axis and measures"},
		"{name: kl, metric: probe/kl, better: lower}": {"{name: kl, metric: probe/kl, at: best}", "is measured once, at the end"},
	} {
		_, err := parseTiny(t, strings.Replace(tinySweep, from, c[0], 1))
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: error %v, want %q", c[0], err, c[1])
		}
	}
	circle := strings.Replace(tinySweep, "- {name: plain}", "- {name: plain, set: {optim.lr: {mean_rate_of: constant}}}", 1)
	circle = strings.Replace(circle, "falling, set: {optim.schedule: {kind: linear}}", "falling, set: {optim.lr: {mean_rate_of: plain}}", 1)
	if _, err := parseTiny(t, circle); err == nil || !strings.Contains(err.Error(), `arm "plain" waits for itself`) {
		t.Errorf("a circle: %v", err)
	}
	if _, err := parseTiny(t, "kind: variance"); err == nil || !strings.Contains(err.Error(), "burnish bench variance") {
		t.Errorf("another kind: %v", err)
	}
}

// TestGrid: every arm at every combination, compared at the same values.
func TestGrid(t *testing.T) {
	d, err := parseTiny(t, `
title: grid
recipe: tiny.yaml
grid: {optim.lr: [1e-3, 2e-3]}
arms:
  - {name: a}
  - {name: b, grid: {optim.clip: [0, 1]}}
against: a
seeds: [1]
measures: [{name: reward, metric: reward}]
`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range d.Arms {
		got = append(got, a.Name+" < "+a.Against)
	}
	want := "a lr=1e-3 < ; a lr=2e-3 < ; b lr=1e-3 clip=0 < a lr=1e-3; b lr=1e-3 clip=1 < a lr=1e-3; b lr=2e-3 clip=0 < a lr=2e-3; b lr=2e-3 clip=1 < a lr=2e-3"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("arms %s, want %s", s, want)
	}
	gs := d.groups("optim.lr")
	if len(gs) != 3 || gs[1].name != "b clip=0" || gs[1].at[1] != 2e-3 || d.groupAgainst("optim.lr", "b clip=1") != "a" {
		t.Errorf("groups %+v, %q", gs, d.groupAgainst("optim.lr", "b clip=1"))
	}
}

// TestComparisons: paired differences, Holm over the rows, and no comparison where a run has no value.
func TestComparisons(t *testing.T) {
	nums := func(v ...float64) (out []Num) {
		for _, x := range v {
			out = append(out, Num(x))
		}
		return out
	}
	r := &Results{Measures: []string{"m"}, Seeds: []uint64{1, 2, 3, 4}, Arms: []ArmResult{
		{Name: "base", Values: [][]Num{nums(1, 2, 3, 4)}},
		{Name: "up", Against: "base", Values: [][]Num{nums(2, 3.1, 4, 4.9)}},
		{Name: "same", Against: "base", Values: [][]Num{nums(1.5, 1.5, 3.2, 3.8)}},
		{Name: "gone", Against: "base", Values: [][]Num{nums(1, math.NaN(), 3, 4)}},
		{Name: "step", Against: "base", Values: [][]Num{nums(1.5, 2.5, 3.5, 4.5)}},
	}}
	r.compare()
	up, same, gone := r.Comparisons[0], r.Comparisons[1], r.Comparisons[2]
	if !up.Shown || math.Abs(float64(up.Mean)-1) > 1e-12 || math.Abs(float64(up.Holm-2*up.P)) > 1e-15 {
		t.Errorf("up: %+v", up)
	}
	if same.Shown || same.Holm != same.P || !(same.Detectable > 0) {
		t.Errorf("same: %+v", same)
	}
	if gone.Shown || gone.Note != "not compared: 3 of 4 runs have a value, 4 of those against" || !math.IsNaN(float64(gone.Mean)) {
		t.Errorf("gone: %+v", gone)
	}
	if step := r.Comparisons[3]; step.Shown || step.Mean != .5 || step.Note != "the same in every pair: not tested" {
		t.Errorf("step: %+v", step)
	}
}

// TestMeasures on a history that can be read off.
func TestMeasures(t *testing.T) {
	h := history{along: map[string][]float64{"steps": {0, 1, 2, 3}, "completions": {0, 8, 16, 24}, "tokens": {0, 100, 210, 300}}}
	for i, v := range []float64{.1, .5, .4, .6} {
		h.lines = append(h.lines, map[string]float64{"step": float64(i), "x": v, "reward": v})
	}
	for _, c := range []struct {
		m    Measure
		want float64
	}{
		{Measure{Metric: "x", At: "end", Better: "higher"}, .6},
		{Measure{Metric: "x", At: "first", Better: "higher"}, .1},
		{Measure{Metric: "x", At: "best", Better: "lower"}, .1},
		{Measure{Metric: "x", At: "best_step", Better: "higher"}, 3},
		{Measure{Metric: "x", At: "mean", Last: 2}, .5},
		{Measure{Metric: "x", Until: .5, In: "completions", Better: "higher"}, 8},
		{Measure{Metric: "x", Until: .55, In: "tokens", Better: "higher"}, 300},
		{Measure{Metric: "x", Until: .9, In: "steps", Better: "higher"}, math.NaN()},
		{Measure{Metric: "y", At: "end"}, math.NaN()},
		{Measure{Metric: "probe/entropy"}, 1.5},
		{Measure{Metric: survives, MostKL: 2}, 1},
		{Measure{Metric: survives, MostKL: .5}, 0},
	} {
		got := c.m.of(h, StageEnd{Probe: &Probe{KL: 1, Entropy: 1.5}})
		if !(math.Abs(got-c.want) < 1e-12 || math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%+v: %v, want %v", c.m, got, c.want)
		}
	}
	if got := (Measure{Metric: "x", At: "end"}).of(h, StageEnd{Failed: "step 4"}); !math.IsNaN(got) {
		t.Errorf("a diverged run has the value %v", got)
	}
	for _, m := range []string{"a", "b"} {
		if got := pick(Choice{Largest: m}, "", []float64{1, 2, 4}, []float64{1, 1, 0}); got != 2 {
			t.Errorf("largest: %v, want 2", got)
		}
	}
	if got := pick(Choice{Best: "a"}, "higher", []float64{1, 2, 4}, []float64{.3, .5, .5}); got != 2 {
		t.Errorf("best: %v, want 2, the smaller of two equals", got)
	}
}

// TestCostsAreMediansAToken of the steps after the first, and seconds are counts times costs.
func TestCostsAreMediansAToken(t *testing.T) {
	dir := t.TempDir()
	text := `{"step":0,"eval/both":0.5}
{"step":1,"tokens_computed":10,"tokens_computed/rollout":20,"sampler/ranking_tokens":100,"seconds/ranking":2,"seconds/rollout":9,"seconds/step":30}
{"step":2,"tokens_computed":10,"tokens_computed/rollout":20,"seconds/rollout":4,"seconds/step":5}
{"step":3,"tokens_computed":10,"tokens_computed/rollout":40,"dropped_groups":3,"missing_groups":1,"reward_greedy":0.5,"seconds/rollout":4,"seconds/step":7}
{"step":4,"tokens_computed":20,"tokens_computed/rollout":40,"seconds/rollout":4,"seconds/step":8}
`
	if err := os.WriteFile(filepath.Join(dir, "metrics.jsonl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := readHistory(dir, StageEnd{Prompts: 2, Samples: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.lines = h.lines[1:] // timing runs evaluate nothing
	c := h.cost()
	if c.Rollout != .1 || c.Learn != .2 || c.Ranking != .02 || c.Steps != 3 {
		t.Errorf("costs %+v, want .1, .2, .02 of 3 steps", c)
	}
	if h, err = readHistory(dir, StageEnd{Prompts: 2, Samples: 3}, &c); err != nil {
		t.Fatal(err)
	}
	for axis, want := range map[string]float64{"steps": 4, "completions": 6 + 6 + 4*(3+1) + 6, "tokens": 270, "seconds": 50*.2 + 120*.1 + 100*.02} {
		if got := h.along[axis][4]; math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %v, want %v", axis, got, want)
		}
	}
}

// TestDocumentedExperiment: the experiment that docs/sweep.md shows is one.
func TestDocumentedExperiment(t *testing.T) {
	data, err := os.ReadFile("../docs/sweep.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(data), "```yaml\n")
	text, _, closed := strings.Cut(text, "```")
	if !ok || !closed {
		t.Fatal("no experiment in docs/sweep.md")
	}
	d, err := Parse("sweep.yaml", []byte(text))
	if err != nil || len(d.Arms) != 4 {
		t.Errorf("%d arms (%v), want 4", len(d.Arms), err)
	}
}

// TestOwnExperimentsAreWhole: every file in bench/experiments is read with its recipes, but for the one that wants paths.
func TestOwnExperimentsAreWhole(t *testing.T) {
	files, err := filepath.Glob("../bench/experiments/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, f := range files {
		switch filepath.Base(f) {
		case "1-variance.yaml": // of the other kind, see internal/bench
		case "5-gsm8k-json.yaml":
			if _, err := Load(f, "model.from=builtin:tiny", "env.path=data"); err != nil {
				t.Error(err)
			}
		default:
			if _, err := Load(f); err != nil {
				t.Error(err)
			}
		}
	}
}
