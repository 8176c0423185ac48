package train

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/policy"
)

// TestImplicitRewardOfAStep: SFT that asks for it logs the demonstrations' log-ratio to the policy at the start, 0 to the
// bit in step 1 and what the models say apart later, without another bit in what it learns.
func TestImplicitRewardOfAStep(t *testing.T) {
	for _, s := range []setup{{threads: 2, reference: true}, {threads: 2, lora: true}} {
		losses := map[bool][]float64{}
		for _, asked := range []bool{false, true} {
			dir := filepath.Join(t.TempDir(), "run")
			s.change = func(c *Config) {
				a := algorithm("sft").(*algos.SFT)
				a.Implicit = asked
				c.Algo, c.Rewards, c.Samples, c.Steps, c.Rate, c.Eval = a, nil, 1, 4, 1e-2, Evaluation{}
			}
			c := s.config(t, dir)
			runAll(t, c)
			lines := metricLines(t, dir)
			for i, m := range lines {
				losses[asked] = append(losses[asked], m["loss"])
				v, ok := m["implicit_reward"]
				if ok != asked {
					t.Fatalf("step %d: implicit reward %v, want %v", i+1, ok, asked)
				}
				if asked && (math.Float64bits(v) == 0) != (i <= 1) { // a warm-up: the first update has rate 0
					t.Errorf("step %d: implicit reward %g", i+1, v)
				}
				if d := m["implicit_reward_token"]*m["tokens"] - v*float64(c.Prompts); asked && math.Abs(d) > 1e-9 {
					t.Errorf("step %d: a token's mean is off by %g", i+1, d)
				}
			}
		}
		for i := range losses[true] {
			if losses[true][i] != losses[false][i] {
				t.Errorf("step %d: loss %g when it is measured, %g when not", i+1, losses[true][i], losses[false][i])
			}
		}
	}
}

// TestImplicitRewardOfSamples is the models' difference on the completions, under the temperature they were sampled at.
func TestImplicitRewardOfSamples(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, reference: true, change: func(c *Config) {
		c.Algo.(*algos.OnPolicy).KLCoef = 0.1
		c.Steps, c.Rate, c.Eval, c.CheckpointEvery = 3, 1e-2, Evaluation{}, 0
	}}.config(t, dir)
	runAll(t, c)
	var want []float64
	lines := completionLines(t, dir)
	for step := 1; step <= 3; step++ {
		sum, rows := 0.0, 0
		for _, l := range lines {
			if l.Step != step {
				continue
			}
			b := policy.Batch{Prompts: [][]int32{l.PromptIDs}, Rows: []policy.Row{{Tokens: l.CompletionIDs}}, Temperature: c.Decoding.LogProbTemperature()}
			ref, err := c.Reference.LogProbs(b, false)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range l.LogProbs {
				sum += float64(v) - float64(ref.LogP[i])
			}
			rows++
		}
		want = append(want, sum/float64(rows))
	}
	for i, m := range metricLines(t, dir) {
		if math.Abs(m["implicit_reward"]-want[i]) > 1e-9 {
			t.Errorf("step %d: implicit reward %g, want %g", i+1, m["implicit_reward"], want[i])
		}
	}
	if want[2] == 0 {
		t.Error("nothing was learned")
	}
}
