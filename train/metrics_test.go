package train

import (
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/train/run"
)

func TestMetricsKeepTheirOrderAndHaveNull(t *testing.T) {
	var m Metrics
	m.add("step", 3)
	m.add("b", 0.1)
	m.add("a", math.NaN())
	m.add(`reward/"x"<`, math.Inf(-1))
	m.add("big", 1e15)
	m.add("small", -2.5e-9)
	m.add("zero", math.Copysign(0, -1))
	got, err := json.Marshal(m)
	const want = `{"step":3,"b":0.1,"a":null,"reward/\"x\"\u003c":null,"big":1e+15,"small":-2.5e-09,"zero":0}`
	if err != nil || string(got) != want {
		t.Errorf("got %s (error %v), want %s", got, err, want)
	}
	if v, ok := m.Get("b"); v != 0.1 || !ok {
		t.Errorf("b is %v, %v", v, ok)
	}
	if v, ok := m.Get("none"); !math.IsNaN(v) || ok {
		t.Errorf("a metric that is not there is %v, %v", v, ok)
	}
}

func TestMeansLeaveNaNOut(t *testing.T) {
	nan := math.NaN()
	v := []float64{1, nan, 4, 7}
	if meanOf(v) != 4 || stdOf(v) != 3 {
		t.Errorf("mean %v, deviation %v, want 4 and 3", meanOf(v), stdOf(v))
	}
	if !math.IsNaN(meanOf([]float64{nan})) || !math.IsNaN(stdOf([]float64{5, nan})) {
		t.Error("want NaN for the mean of none and the deviation of one")
	}
	for _, c := range []struct {
		scores []float64
		want   bool
	}{{[]float64{0.1, 0.1, 0.1}, true}, {[]float64{0.1, nan, 0.1}, true}, {[]float64{nan, 3}, true}, {nil, true}, {[]float64{1, 1, 0.5}, false}} {
		if teachesNothing(c.scores) != c.want {
			t.Errorf("scores %v teach nothing: want %v", c.scores, c.want)
		}
	}
}

// TestWhatAStepReports: the keys that others read, in their order, and a line of completions.
func TestWhatAStepReports(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	var events events
	c := setups["grpo, lora and kl"].config(t, dir)
	c.Steps, c.Observer = 2, &events
	runAll(t, c)
	line := string(lines(t, dir, run.MetricsFile)[1])
	at := 0
	for _, key := range []string{"step", "reward", "reward_std", "reward/json-valid", "reward/json-valid/valid", "reward/length", "missing", "zero_variance_groups",
		"truncated", "loss", "grad_norm", "lr", "entropy", "kl", "length", "tokens", "logp_gap", "tokens_computed/rollout", "tokens_computed",
		"tokens_per_second", "seconds/rollout", "seconds/reward", "seconds/reference", "seconds/train", "seconds/optimizer", "seconds/step"} {
		i := strings.Index(line, `"`+key+`":`)
		if i < at {
			t.Errorf("%s is not there, or before what goes before it, in %s", key, line)
		}
		at = i
	}
	keys := string(lines(t, dir, run.CompletionsFile)[0])
	at = 0
	for _, key := range []string{"step", "slot", "index", "sample", "prompt_ids", "completion_ids", "text", "logprobs", "stop", "reference", "reward", "parts", "advantage"} {
		i := strings.Index(keys, `"`+key+`":`)
		if i < at {
			t.Errorf("%s is not there, or before what goes before it, in %s", key, keys)
		}
		at = i
	}
	if n := len(completionLines(t, dir)); n != 2*3*4 {
		t.Errorf("%d completions, want 24", n)
	}
	for _, want := range []Kind{Started, Phase, Progress, StepDone, Evaluated, Saved, Ended} {
		if !slices.Contains(events.kinds, want) {
			t.Errorf("no event of kind %d", want)
		}
	}
	if s := events.sample; s == nil || s.Prompt == "" || s.Text != completionLines(t, dir)[12].Text {
		t.Errorf("the shown sample is %+v, want the first of the last step", s)
	}
}

type events struct {
	kinds  []Kind
	sample *Sample
}

func (e *events) Observe(x Event) {
	e.kinds = append(e.kinds, x.Kind)
	if x.Sample != nil {
		e.sample = x.Sample
	}
}
