package algos

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// advantageVector is the golden row of an estimator, one advantage an answer, or one a token.
type advantageVector struct {
	row     string
	example string // the function of package advantage that has the Example
	rewards []float64
	set     func(a *OnPolicy)
}

var binary = []float64{1, 0, 0, 0, 1, 1, 0, 1}

// advantageVectors has every estimator.
var advantageVectors = map[string]advantageVector{
	"group":                 {row: "grpo", example: "GroupScaled"},
	"group_biased":          {row: "grpo_biased_std", example: "GroupScaledBiased"},
	"centred":               {row: "dr_grpo_no_std", example: "GroupCentred"},
	"none":                  {row: rewardsThemselves, example: "Raw"},
	"batch":                 {row: "batch_std", example: "BatchScaled"},
	"rloo":                  {row: "rloo", example: "RLOO"},
	"rloo_normalized":       {row: "rloo_normalized", example: "StepScaled"},
	"gpg":                   {row: "gpg", example: "GPG"},
	"opo":                   {row: "opo", example: "OPO"},
	"reinforce_pp":          {row: "reinforce_pp_beta0.1", example: "ReinforcePP", set: func(a *OnPolicy) { a.KL, a.KLIn, a.KLCoef = "k1", "reward", 0.1 }},
	"reinforce_pp_baseline": {row: "reinforce_pp_baseline", example: "ReinforcePPBaseline"},
	"remax":                 {row: "remax_greedy_0.5_0.2", example: "ReMax"},
	"maxrl":                 {row: "maxrl_binary_10001101", example: "MaxRL", rewards: binary},
	"pass_at_k":             {row: "pass_at_2_binary_10001101", example: "PassAtK", rewards: binary, set: func(a *OnPolicy) { a.PassK = 2 }},
	"best_minus_second":     {row: "passk_best_minus_second", example: "BestMinusSecond"},
	"gdpo":                  {row: "gdpo_w1_0.5", example: "GDPO"},
	"optimal_token":         {row: "optimal_token_baseline", example: "OptimalToken"},
}

// rewardsThemselves is in the place of a row for what compares nothing.
const rewardsThemselves = "the rewards"

// groups are the golden batch's two groups with all that an estimator may ask for.
func (g golden) groups(rewards []float64) []Group {
	second := []float64{1, 1, 0, 1, 0, 0, 1, 0} // losses.py, adv_table
	old, ref, logs := g.answers(g.Inputs.Old), g.answers(g.Inputs.Ref), g.answers(g.Inputs.OldSquare)
	var out []Group
	for i, greedy := range []float64{0.5, 0.2} {
		at := span{4 * i, 4*i + 4}
		one := Group{
			Rewards: at.of(rewards), Lengths: g.Shape.Lengths[at.from:at.to], MaxTokens: g.Shape.MaxLen, Greedy: greedy,
			Parts: [][]float64{at.of(rewards), at.of(second)}, Weights: []float64{1, 0.5}, LogP: old[at.from:at.to],
		}
		for k := at.from; k < at.to; k++ {
			k1 := slices.Clone(old[k])
			for t, q := range ref[k] {
				k1[t] -= q
			}
			one.K1, one.SumP2 = append(one.K1, k1), append(one.SumP2, squares(logs[k]))
		}
		out = append(out, one)
	}
	return out
}

type span struct{ from, to int }

func (s span) of(v []float64) []float64 { return v[s.from:s.to] }

// tokenAdvantages gives each token's, answers in order.
func tokenAdvantages(t *testing.T, a *OnPolicy, groups []Group) (out [][]float64) {
	t.Helper()
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	if a.Needs().TokenAdvantages {
		adv, err := a.TokenAdvantages(groups)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Concat(adv...)
	}
	adv, err := a.Advantages(groups)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range groups {
		for k, n := range g.Lengths {
			out = append(out, slices.Repeat([]float64{adv[i][k]}, n))
		}
	}
	return out
}

// TestEveryEstimatorHasVectorsAndAnExample walks the table of estimators: by the name that a recipe writes each gives the
// advantages of its golden row. A name without a row or an Example fails.
func TestEveryEstimatorHasVectorsAndAnExample(t *testing.T) {
	g := readGolden(t)
	text, err := os.ReadFile("advantage/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range estimators {
		t.Run(e.name, func(t *testing.T) {
			v := advantageVectors[e.name]
			if v.row == "" || v.example == "" {
				t.Fatal("no golden row or no example: a name comes with numbers from its source")
			}
			if !strings.Contains(string(text), "func Example"+v.example+"()") {
				t.Errorf("there is no Example%s", v.example)
			}
			a := &OnPolicy{Term: "reinforce", Advantage: e.name, Reduce: "token_mean", KL: "k3", KLIn: "loss"}
			if v.set != nil {
				v.set(a)
			}
			rewards := v.rewards
			if rewards == nil {
				rewards = g.Inputs.Rewards
			}
			for i, got := range tokenAdvantages(t, a, g.groups(rewards)) {
				for k, want := range g.rowOf(t, v.row, i) {
					if !(math.Abs(got[k]-want) <= 1e-12) {
						t.Errorf("answer %d, token %d: advantage %v, want %v", i, k, got[k], want)
					}
				}
			}
		})
	}
}

// rowOf is what a row says of each token of an answer.
func (g golden) rowOf(t *testing.T, row string, answer int) []float64 {
	t.Helper()
	if row == rewardsThemselves {
		return slices.Repeat([]float64{g.Inputs.Rewards[answer]}, g.Shape.Lengths[answer])
	}
	var tokens [][]float64
	if json.Unmarshal(g.Advantages[row], &tokens) == nil {
		return tokens[answer][:g.Shape.Lengths[answer]]
	}
	return slices.Repeat([]float64{g.advantages(t, row)[answer]}, g.Shape.Lengths[answer])
}
