package train

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/burnish-rl/burnish/train/schedule"
)

// opened is a registered schedule by name, at its defaults, with what has none.
func opened(t *testing.T, name string) schedule.Schedule {
	t.Helper()
	info, ok := schedule.Lookup(name)
	if !ok {
		t.Fatalf("no schedule %q", name)
	}
	o := info.New()
	switch o := o.(type) {
	case *schedule.Refined:
		o.FromRun = earlierRun(t)
	case *schedule.Replay:
		o.FromRun = earlierRun(t)
	case *schedule.Power:
		o.CapTokens = 20 // below what the first step trains
	}
	s, err := o.Open()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// earlierRun is the folder of a run whose norms and rates went up and down.
func earlierRun(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	for i := range 30 {
		fmt.Fprintf(&b, `{"step":%d,"grad_norm_l1":%d,"lr":%d,"lr/base":7}`+"\n", i+1, 1+(i*i)%7, 1+(i*i)%7)
	}
	if err := os.WriteFile(filepath.Join(dir, run.MetricsFile), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestEveryScheduleResumes: 6 steps are 3 and 3 more, or 1 and 4 and 1, with the same bytes.
func TestEveryScheduleResumes(t *testing.T) {
	for _, info := range schedule.All() {
		t.Run(info.Name, func(t *testing.T) {
			s := setup{threads: 2, change: func(c *Config) {
				c.Schedule, c.ScheduleName, c.Eval, c.Rate = opened(t, info.Name), info.Name, Evaluation{}, 1e-2
			}}
			whole := filepath.Join(t.TempDir(), "whole")
			runAll(t, s.config(t, whole))
			for _, stops := range [][]int{{3}, {1, 5}} {
				broken := filepath.Join(t.TempDir(), "broken")
				for i, stop := range append(stops, 0) {
					c := s.config(t, broken)
					c.StopAfter, c.Resume = stop, i > 0
					runAll(t, c)
				}
				sameTree(t, fmt.Sprint("stopped after ", stops), broken, whole)
			}
			var rates []float64
			for _, m := range metricLines(t, whole) {
				rates = append(rates, m["lr"])
			}
			if info.Name != "constant" && info.Name != "wsd" && slices.Min(rates) == slices.Max(rates) {
				t.Errorf("rates %v: nothing is tested", rates)
			}
		})
	}
}

// TestRateIsOneProduct: base × schedule × reduction, each in the metrics.
func TestRateIsOneProduct(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: supervised}.config(t, dir)
	c.Eval, c.Rate, c.RateReduction, c.Schedule = Evaluation{}, 0.5, 0.25, &schedule.Linear{Warmup: 1. / 3}
	runAll(t, c)
	for i, m := range metricLines(t, dir) {
		factor := []float64{0, 0.5, 1, 0.75, 0.5, 0.25}[i]
		if m["lr/base"] != 0.5 || m["lr/schedule"] != factor || m["lr/reduction"] != 0.25 || m["lr"] != 0.125*factor {
			t.Errorf("step %d: %v", i+1, m)
		}
	}
	plain := filepath.Join(t.TempDir(), "run")
	c = setup{threads: 2, change: supervised}.config(t, plain)
	c.Eval, c.Rate, c.Schedule = Evaluation{}, 0.125, &schedule.Linear{Warmup: 1. / 3}
	runAll(t, c)
	a, b := tree(t, dir), tree(t, plain)
	if name := "checkpoints/step-6/model.safetensors"; a[name] == "" || a[name] != b[name] {
		t.Error("a reduced rate trains other weights than the same rate without a reduction")
	}
	if m := metricLines(t, plain)[0]; len(m) == 0 || hasKey(m, "lr/reduction") {
		t.Errorf("no reduction, and the metrics have one: %v", m)
	}
}

func hasKey(m map[string]float64, key string) bool { _, ok := m[key]; return ok }

// TestUpdatesByHand: the cosine that a rule sees is that of the last two changes of the weights, here over all of
// them and not a sketch, and a rate of 0 changes nothing.
func TestUpdatesByHand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	var saw []schedule.Seen
	c := setup{threads: 2, change: func(c *Config) { c.Eval, c.Rate = Evaluation{}, 1e-2 }}.config(t, dir)
	c.Schedule = watcher(func(s schedule.Seen) float64 {
		saw = append(saw, s)
		return []float64{0, 1, 1, 0, 1, 1}[s.Step]
	})
	tr := newTrainer(t, c)
	var weights [][]float32
	tr.afterRollout = func() { weights = append(weights, weightsOf(tr.Model)) }
	if err := tr.Run(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	change := func(step int) []float64 { // made by this step
		out := make([]float64, len(weights[0]))
		for i := range out {
			out[i] = float64(weights[step][i]) - float64(weights[step-1][i])
		}
		return out
	}
	cosine := func(a, b []float64) float64 { return dot(a, b) / math.Sqrt(dot(a, a)*dot(b, b)) }
	nan := math.NaN()
	// Seen before steps 1 to 6; steps 1 and 4 have a rate of 0.
	want := []float64{nan, nan, nan, cosine(change(3), change(2)), nan, cosine(change(5), change(3))}
	tokens, m := 0.0, metricLines(t, dir)
	for i, s := range saw {
		if math.IsNaN(s.Cosine) != math.IsNaN(want[i]) || math.Abs(s.Cosine-want[i]) > 4./64 {
			t.Errorf("before step %d: cosine %v, want %v to within 4 deviations of the sketch", i+1, s.Cosine, want[i])
		}
		if s.Step != i || s.Steps != 6 || float64(s.Tokens) != tokens || s.GradNorm != m[i]["grad_norm"] || s.GradL1 != m[i]["grad_norm_l1"] {
			t.Errorf("before step %d: %+v, want %v tokens and the norms of %v", i+1, s, tokens, m[i])
		}
		tokens += m[i]["tokens"]
	}
	if c := want[3]; math.Abs(c) < 0.1 {
		t.Errorf("cosine %v is too small to test anything", c)
	}
}

// watcher is a rule made of a function, which sees cosines.
type watcher func(schedule.Seen) float64

func (w watcher) Rate(s schedule.Seen) float64 { return w(s) }
func (w watcher) Needs() schedule.Needs        { return schedule.Needs{Cosine: true} }

// TestSketchOfAFewWeightsIsExact: of up to 4,096.
func TestSketchOfAFewWeightsIsExact(t *testing.T) {
	m := openModel(t, cpu.New(1))
	for _, p := range m.Params() {
		if p.Name != "model.norm.weight" {
			continue
		}
		one := []*policy.Param{p}
		u := newUpdates(7, m, one)
		w := m.Read(p, p.Data)
		moves := [][]float64{make([]float64, len(w)), make([]float64, len(w))}
		for k := range moves {
			for i := range w {
				before := w[i]
				w[i] += float32(math.Sin(float64(i*(k+1))) / 8)
				moves[k][i] = float64(w[i]) - float64(before)
			}
			m.Write(p, p.Data, w)
			u.observe(m, one)
		}
		want := dot(moves[0], moves[1]) / math.Sqrt(dot(moves[0], moves[0])*dot(moves[1], moves[1]))
		near(t, "cosine", u.cosine, want, 1e-12)
	}
}

// TestGradL1 against the gradients read one by one.
func TestGradL1(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: oneStep}.config(t, dir)
	byFunction(t, &c, lengthAndPlace)
	tr := newTrainer(t, c)
	if err := tr.Run(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, p := range tr.tensors {
		for _, g := range tr.Model.Read(p, p.Grad) {
			want += math.Abs(float64(g))
		}
	}
	near(t, "grad_norm_l1", metricLines(t, dir)[0]["grad_norm_l1"], want, 1e-7*want)
}

// TestANewStageForgetsTheOptimizer: count and moments.
func TestANewStageForgetsTheOptimizer(t *testing.T) {
	for _, reset := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "run")
		c := setup{threads: 2}.config(t, dir)
		c.Eval, c.Schedule = Evaluation{}, &schedule.Rewarm{Starts: []float64{0.5}, Shape: "linear", ResetOptimizer: reset}
		tr := newTrainer(t, c)
		if err := tr.Run(t.Context(), t.Context()); err != nil {
			t.Fatal(err)
		}
		tr.restart(&batch{step: 4}) // as its first step did
		for _, slot := range tr.optimizer.State() {
			if moved := tr.Model.Backend().SumSquares(slot.Buf) > 0; moved == reset {
				t.Errorf("reset %v: %s of parameter %d is other than 0: %v", reset, slot.Name, slot.Param, moved)
			}
		}
		data, err := os.ReadFile(filepath.Join(run.CheckpointDir(dir, 6), trainerDir, stateFile))
		if err != nil {
			t.Fatal(err)
		}
		want := `"optimizer_steps": 6`
		if reset {
			want = `"optimizer_steps": 3` // of the second stage
		}
		if !strings.Contains(string(data), want) {
			t.Errorf("reset %v: %s, want %s", reset, data, want)
		}
	}
}

// TestMemoriesAreTheRules: a checkpoint's memory goes to the rule it came from, and to no other.
func TestMemoriesAreTheRules(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	with := func(name string, resume bool) Config {
		c := setup{threads: 2}.config(t, dir)
		c.Eval, c.StopAfter, c.Resume = Evaluation{}, 2, resume
		c.Schedule, c.ScheduleName = opened(t, name), name
		return c
	}
	runAll(t, with("hypergradient", false))
	for name, want := range map[string]string{
		"linear":  "found the memory of 2 parts, this run has 0 that remember",
		"refined": "found nothing of schedule/refined",
	} {
		if _, err := New(with(name, true)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}
