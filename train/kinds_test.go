package train

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/rewards"
)

// rightOrWrong is a reward of 0 or 1, which every estimator takes.
func rightOrWrong(a rewards.Attempt, p rewards.Place) rewards.Result {
	return rewards.Result{Score: float64((a.Tokens + p.Sample) % 2)}
}

// TestEveryKind runs each algorithm, whole and cut into micro-batches, to the same bytes. Algorithms of labelled answers run
// on the tasks' and on their own.
func TestEveryKind(t *testing.T) {
	for _, info := range algos.All() {
		for _, from := range answersOf(info) {
			t.Run(info.Name+from, func(t *testing.T) { everyKind(t, info, from) })
		}
	}
}

// answersOf is where an algorithm has its answers from.
func answersOf(info algos.Info) []string {
	if info.New().Needs().Labelled() {
		return []string{", data", ", rollouts"}
	}
	return []string{""}
}

func everyKind(t *testing.T, info algos.Info, from string) {
	s := setup{threads: 2, reference: true, change: func(c *Config) {
		c.Algo, c.Eval, c.CheckpointEvery, c.Steps = info.New(), Evaluation{}, 0, 2
		c.Clip, c.Prompts = 0, 4
		byFunction(t, c, rightOrWrong)
		if info.Name == "best_minus_second" { // ties at the top give it nothing
			byFunction(t, c, lengthAndPlace)
		}
		if c.Algo.Needs().Demonstrations {
			c.Rewards, c.Samples = nil, 1
		}
		if from != "" {
			withLabels(from == ", rollouts")(c)
		}
	}}
	whole, cut := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "cut")
	first := s.config(t, whole)
	first.MicroBatchTokens = 1 << 20
	runAll(t, first)
	second := s.config(t, cut)
	second.MicroBatchTokens = 1
	runAll(t, second)
	if !sameBits(weightsOf(first.Model), weightsOf(second.Model)) {
		t.Error("the cut into micro-batches changes the weights")
	}
	for i, m := range metricLines(t, whole) {
		if !(m["grad_norm"] > 0) {
			t.Errorf("step %d: the norm of the gradient is %v", i+1, m["grad_norm"])
		}
	}
}

// TestKLInTheReward: rloo pays 0.05 of the summed k1 out of the reward before it compares.
func TestKLInTheReward(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	runAll(t, setup{threads: 2, reference: true, change: func(c *Config) {
		oneStep(c)
		c.Algo, c.Steps, c.Rate = algorithm("rloo"), 2, 5
		c.Algo.(*algos.OnPolicy).KLCoef = 0.3
		byFunction(t, c, lengthAndPlace)
	}}.config(t, dir))
	base, rows := openModel(t, cpu.New(2)), completionLines(t, dir)
	moved := false
	for at := 0; at < len(rows); at += 4 {
		group := rows[at : at+4]
		paid, sum := make([]float64, 4), 0.0
		for i, r := range group {
			tokens, err := base.LogProbs(policy.Batch{Prompts: [][]int32{r.PromptIDs}, Rows: []policy.Row{{Tokens: r.CompletionIDs}}, Temperature: 0.9}, false)
			if err != nil {
				t.Fatal(err)
			}
			paid[i] = *r.Reward
			for k, ref := range tokens.LogP {
				u := float64(r.LogProbs[k]) - float64(ref)
				paid[i] -= 0.3 * u
				moved = moved || u != 0
			}
			sum += paid[i]
		}
		for i, r := range group {
			if want := paid[i] - (sum-paid[i])/3; math.Abs(r.Advantage-want) > 1e-9 {
				t.Errorf("step %d, sample %d: advantage %v, want %v", r.Step, i, r.Advantage, want)
			}
		}
	}
	if !moved {
		t.Error("the policy has not moved, so nothing is tested")
	}
}

// TestImplicitRewardStartsAsSFT: where the policy is the reference every divergence has the likelihood's gradient.
func TestImplicitRewardStartsAsSFT(t *testing.T) {
	norms := map[string]float64{}
	for _, term := range []string{"nll", "tv", "chi2", "hellinger", "js", "forward_kl", "reverse_kl"} {
		dir := filepath.Join(t.TempDir(), term)
		runAll(t, setup{threads: 2, reference: true, change: func(c *Config) {
			supervised(c)
			oneStep(c)
			c.Algo.(*algos.SFT).Term = term
		}}.config(t, dir))
		norms[term] = metricLines(t, dir)[0]["grad_norm"]
	}
	for term, norm := range norms {
		if norm != norms["nll"] || norm == 0 {
			t.Errorf("%s: the first gradient has norm %v, that of nll %v", term, norm, norms["nll"])
		}
	}
}
