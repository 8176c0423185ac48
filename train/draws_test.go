package train

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/train/schedule"
)

// TestDrawsOfStepsAndEvaluations: with a rate of 0 and one task all the time, every step and every slot samples
// something else, and every evaluation the same.
func TestDrawsOfStepsAndEvaluations(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2}.config(t, dir)
	task, err := c.Env.Task(0)
	if err != nil {
		t.Fatal(err)
	}
	c.Env, c.Rate = always{task}, 0
	runAll(t, c)
	seen := map[string]completionLine{}
	for _, l := range completionLines(t, dir) {
		key := fmt.Sprint(l.CompletionIDs)
		if o, twice := seen[key]; twice && len(l.CompletionIDs) > 3 { // short ones may meet by chance
			t.Errorf("step %d, slot %d, sample %d has the tokens of step %d, slot %d, sample %d", l.Step, l.Slot, l.Sample, o.Step, o.Slot, o.Sample)
		}
		seen[key] = l
	}
	var lengths []float64
	for _, m := range metricLines(t, dir) {
		if v, ok := m["eval/tokens_mean"]; ok {
			lengths = append(lengths, v)
		}
	}
	if len(lengths) != 4 || slices.Min(lengths) != slices.Max(lengths) {
		t.Errorf("evaluations of the same weights have mean lengths %v, want 4 equal ones", lengths)
	}
}

type always struct{ task envs.Task }

func (a always) Task(int) (envs.Task, error) { return a.task, nil }

// TestRateFollowsTheSchedule: the update that turns state s into s+1 has the factor of s, so warm-up begins at 0.
func TestRateFollowsTheSchedule(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2}.config(t, dir)
	c.Eval, c.Rate, c.Schedule = Evaluation{}, 0.5, &schedule.Linear{Warmup: 1. / 3}
	runAll(t, c)
	var rates []float64
	for _, m := range metricLines(t, dir) {
		rates = append(rates, m["lr"])
	}
	if want := []float64{0, 0.25, 0.5, 0.375, 0.25, 0.125}; !slices.Equal(rates, want) {
		t.Errorf("rates %v, want %v", rates, want)
	}
}
