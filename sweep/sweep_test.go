package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/run"
)

const tinyRecipe = `
model: {from: builtin:tiny}
env: {kind: arith-json}
rollout: {prompts_per_step: 2, samples_per_prompt: 4, max_tokens: 20}
rewards: [{kind: json-valid}, {kind: length, lo: 2, hi: 6, cap: 24}]
algo: {kind: grpo}
optim: {kind: adamw, lr: 1e-3}
train: {steps: 4, eval_limit: 4, eval_temperature: 1.0, checkpoint_every: 2}
`

const tinySweep = `
title: three ways
recipe: tiny.yaml
set: {train.eval_every: 2}
arms:
  - {name: plain}
  - {name: falling, set: {optim.schedule: {kind: linear}}}
  - {name: constant, set: {optim.lr: {mean_rate_of: falling}}, against: falling}
  - {name: replayed, set: {optim.schedule.kind: replay, optim.schedule.from_run: {run_of: falling, seed: next}}, against: falling}
against: plain
seeds: [1, 2]
probe: 4
measures:
  - {name: reward, metric: reward, at: mean}
  - {name: rate, metric: lr, at: mean}
  - {name: kl, metric: probe/kl, better: lower}
  - {name: alive, metric: survives, most_kl: 50}
  - {name: until, metric: tokens_computed, until: 0, in: completions}
plot: {metric: eval/tokens_mean}
`

func parseTiny(t *testing.T, text string) (*Design, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tiny.yaml"), []byte(tinyRecipe), 0o600); err != nil {
		t.Fatal(err)
	}
	return Parse(filepath.Join(dir, "e.yaml"), []byte(text))
}

func options(dir string, jobs int, tell func(Event)) Options {
	return Options{Dir: dir, Jobs: jobs, Tell: tell, Backend: func(string) (compute.Backend, error) { return cpu.New(1), nil }}
}

// TestSweep runs arms that refer to each other, two at a time, and stops in the middle; what was finished isn't run again,
// and the results are those of an unbroken sweep.
func TestSweep(t *testing.T) {
	d, err := parseTiny(t, tinySweep)
	if err != nil {
		t.Fatal(err)
	}
	broken, whole := t.TempDir(), t.TempDir()
	soft, stop := context.WithCancel(context.Background())
	finished := 0
	err = d.Run(soft, context.Background(), options(broken, 1, func(e Event) {
		if e.State == Finished {
			if finished++; finished == 3 {
				stop()
			}
		}
	}))
	if !errors.Is(err, train.ErrInterrupted) {
		t.Fatalf("a stopped sweep: error %v", err)
	}
	half, err := d.Collect(broken, "test")
	if err != nil || len(half.Missing) != 5 {
		t.Fatalf("%d runs missing (%v), want 5", len(half.Missing), err)
	}
	found := 0
	if err := d.Run(context.Background(), context.Background(), options(broken, 2, func(e Event) {
		if e.State == Found {
			found++
		}
	})); err != nil {
		t.Fatal(err)
	}
	if found != 3 {
		t.Errorf("%d runs found finished, want 3", found)
	}
	keeping := options(whole, 2, nil)
	keeping.Keep = true
	if err := d.Run(context.Background(), context.Background(), keeping); err != nil {
		t.Fatal(err)
	}
	checkPairs(t, d, whole)
	if _, err := os.Stat(filepath.Join(job{d.Arms[0], 1}.dir(broken), "run", "checkpoints")); !os.IsNotExist(err) {
		t.Errorf("checkpoints of a finished run: %v, want them gone", err)
	}
	a, err := d.Collect(broken, "test")
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.Collect(whole, "test")
	if err != nil {
		t.Fatal(err)
	}
	if x, y := asJSON(t, a), asJSON(t, b); x != y {
		t.Errorf("stopped and gone on with:\n%s\nunbroken:\n%s", x, y)
	}
	checkTiny(t, d, b, whole)
}

// checkTiny: rates are what the arms say, and values are those of the runs' own metrics.
func checkTiny(t *testing.T, d *Design, r *Results, dir string) {
	t.Helper()
	arm := func(name string) ArmResult {
		return r.Arms[slices.IndexFunc(r.Arms, func(a ArmResult) bool { return a.Name == name })]
	}
	for s := range d.Seeds {
		falling := float64(arm("falling").Values[1][s])
		if plain := float64(arm("plain").Values[1][s]); plain != 1e-3 || !(falling < plain) {
			t.Errorf("mean rates: plain %v, falling %v", plain, falling)
		}
		for _, name := range []string{"constant", "replayed"} {
			if got := float64(arm(name).Values[1][s]); math.Abs(got-falling) > 1e-9 {
				t.Errorf("%s: mean rate %v, want %v", name, got, falling)
			}
		}
		if got := arm("plain").Values[4][s]; got != 8 {
			t.Errorf("completions until the first step was made: %v, want 8", got)
		}
		if v := arm("plain").Values[3][s]; v != 0 && v != 1 {
			t.Errorf("alive is %v", v)
		}
	}
	j := job{d.Arms[0], d.Seeds[1]}
	table, err := run.ReadMetrics(filepath.Join(j.dir(dir), "run"), "reward")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, row := range table {
		sum += row[0]
	}
	if got := float64(arm("plain").Values[0][1]); math.Abs(got-sum/4) > 1e-12 || len(table) != 4 {
		t.Errorf("mean reward %v, want %v of %d steps", got, sum/4, len(table))
	}
	if c := r.Comparisons[0]; c.Arm != "falling" || c.Against != "plain" || c.N != 2 {
		t.Errorf("first comparison %+v", c)
	}
	if text := r.Table(); !strings.Contains(text, "2 seeds (1 2); arith-json, split test, n 4, temperature 1, at most 20 tokens, scorer json-1; probe of 4 answers") ||
		!strings.Contains(text, "| constant | 2 |") || !strings.Contains(text, "not shown") {
		t.Errorf("table:\n%s", text)
	}
	if p := r.Picture(); strings.Count(p, "<path") < 8 || strings.Contains(p, "NaN") || strings.Contains(p, "Inf") {
		t.Errorf("picture:\n%s", p)
	}
}

func asJSON(t *testing.T, r *Results) string {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// checkPairs: within a seed, arms start from the same weights and see the same prompts, so the first step's answers are the
// same too; another seed has others.
func checkPairs(t *testing.T, d *Design, dir string) {
	t.Helper()
	seen := func(a *Arm, seed uint64) (prompts, answers string) {
		data, err := os.ReadFile(filepath.Join(job{a, seed}.dir(dir), "run", run.CompletionsFile))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
			var l struct {
				Step, Index int
				Text        string
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			prompts += fmt.Sprint(l.Index, " ")
			if l.Step == 1 {
				answers += l.Text
			}
		}
		return prompts, answers
	}
	prompts, answers := seen(d.Arms[0], 1)
	for _, a := range d.Arms[1:] {
		if p, first := seen(a, 1); p != prompts || first != answers {
			t.Errorf("%s: prompts %s, first answers %q, want %s, %q", a.Name, p, first, prompts, answers)
		}
	}
	if p, first := seen(d.Arms[0], 2); p == prompts || first == answers {
		t.Error("two seeds have the same prompts or first answers")
	}
}

// TestChangedExperiment: runs of other settings aren't mixed in.
func TestChangedExperiment(t *testing.T) {
	d, err := parseTiny(t, tinySweep)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	soft, stop := context.WithCancel(context.Background())
	if err := d.Run(soft, context.Background(), options(dir, 1, func(e Event) {
		if e.State == Finished {
			stop()
		}
	})); !errors.Is(err, train.ErrInterrupted) {
		t.Fatal(err)
	}
	other, err := parseTiny(t, strings.Replace(tinySweep, "train.eval_every: 2", "train.eval_every: 3", 1))
	if err != nil {
		t.Fatal(err)
	}
	err = other.Run(context.Background(), context.Background(), options(dir, 1, nil))
	if err == nil || !strings.Contains(err.Error(), "found a run of other settings than the experiment has now") {
		t.Errorf("error %v", err)
	}
}

// TestDivergedRunIsAResult: the rate is so large that the gradient overflows; the sweep goes on and says so.
func TestDivergedRunIsAResult(t *testing.T) {
	d, err := parseTiny(t, `
title: too fast
recipe: tiny.yaml
set: {train.steps: 12, optim.clip: 0}
grid: {optim.lr: [1e-3, 100]}
seeds: [1]
probe: 4
measures: [{name: alive, metric: survives, most_kl: 1000}, {name: reward, metric: reward}]
choices: [{name: largest rate, axis: optim.lr, largest: alive}]
`)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := d.Run(context.Background(), context.Background(), options(dir, 1, nil)); err != nil {
		t.Fatal(err)
	}
	r, err := d.Collect(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Arms[1].Values[0][0]; got != 0 {
		t.Errorf("a rate of 100 is alive: %v", got)
	}
	t.Logf("diverged: %v, choices %+v", r.Diverged, r.Choices)
}

// TestStages: the second stage starts from the first one's weights.
func TestStages(t *testing.T) {
	d, err := parseTiny(t, `
title: two stages
stages:
  - {name: first, recipe: tiny.yaml}
  - {name: second, recipe: tiny.yaml}
grid: {first.optim.lr: [1e-4, 3e-4]}
set: {second.train.steps: 2, rollout.prompts_per_step: 4, rollout.max_tokens: 40}
seeds: [1, 2]
probe: 4
measures:
  - {name: kl first, stage: first, metric: probe/kl}
  - {name: kl second, metric: probe/kl}
  - {name: steps, metric: step}
  - {name: seconds, metric: step, until: 1, in: seconds}
choices:
  - {name: by first, axis: first.optim.lr, best: kl first}
  - {name: by second, axis: first.optim.lr, best: kl second, than: by first}
plot: {axis: first.optim.lr, measures: [kl first, kl second]}
`)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := d.Run(context.Background(), context.Background(), options(dir, 2, nil)); err != nil {
		t.Fatal(err)
	}
	r, err := d.Collect(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range r.Arms {
		for s := range d.Seeds {
			if a.Values[2][s] != 2 {
				t.Errorf("%s: the last stage ended at step %v, want 2", a.Name, a.Values[2][s])
			}
			if first, second := a.Values[0][s], a.Values[1][s]; !(first > 0 && second > 0) || first == second {
				t.Errorf("%s: KL to the start %v after the first stage, %v after the second", a.Name, first, second)
			}
		}
	}
	if len(r.Choices) != 2 || r.Choices[1].Log2 == nil {
		t.Fatalf("choices %+v", r.Choices)
	}
	if len(r.Plot.Lines) != 2 || len(r.Plot.Lines[0].X) != 2 {
		t.Errorf("plot %+v", r.Plot)
	}
	if !math.IsNaN(float64(r.Arms[0].Values[3][0])) {
		t.Errorf("seconds before they were measured: %v", r.Arms[0].Values[3][0])
	}
	if err := d.Time(context.Background(), options(dir, 1, nil), 2, func() func() float64 { return func() float64 { return .25 } }); err != nil {
		t.Fatal(err)
	}
	if r, err = d.Collect(dir, "test"); err != nil {
		t.Fatal(err)
	}
	c := r.Costs[d.Arms[1].Name]["first"]
	if c.Steps != 2 || !(c.Rollout > 0 && c.Learn > 0) || c.OtherCores != .25 || !strings.Contains(r.Table(), "µs a row sampled") {
		t.Errorf("costs %+v", c)
	}
	if got := r.Arms[0].Values[3][0]; !(got > 0) {
		t.Errorf("%v seconds until the first step was made", got)
	}
}
