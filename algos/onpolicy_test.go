package algos

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos/loss"
)

func TestNames(t *testing.T) {
	for _, o := range objectives {
		for _, e := range estimators {
			for _, r := range reductions {
				a := grpo.New().(*OnPolicy)
				a.Term, a.Advantage, a.Reduce = o.name, e.name, r.name
				err := a.Validate()
				if err != nil && !strings.Contains(err.Error(), "source has") && !strings.Contains(err.Error(), "pass_k is 0") {
					if o.whole && e.name == "optimal_token" && strings.Contains(err.Error(), "differs within an answer") {
						continue
					}
					t.Errorf("%s, %s, %s: %v", o.name, e.name, r.name, err)
				}
			}
		}
	}
}

// TestOverride: an objective may be changed under a kind, whose unread options stay; those it reads must be given.
func TestOverride(t *testing.T) {
	a := grpo.New().(*OnPolicy)
	a.Term = "sapo"
	if err := a.Validate(); err == nil || !strings.Contains(err.Error(), "tau_pos is 0, want a number > 0 for objective sapo (its source has 1 and 1.05") {
		t.Errorf("sapo without its options: %v", err)
	}
	a.TauPos, a.TauNeg = 1, 1.05
	if err := a.Validate(); err != nil {
		t.Errorf("sapo under grpo: %v", err)
	}
	a.ClipLow = 0.1
	if err := a.Validate(); err == nil || !strings.Contains(err.Error(), "clip_low is 0.1, want it unset") {
		t.Errorf("an option that is not read: %v", err)
	}
	plain := &OnPolicy{Term: "reinforce", Advantage: "none", Reduce: "sequence_sum", KL: "k3", KLIn: "loss"}
	if err := plain.Validate(); err != nil {
		t.Errorf("a value of one's own: %v", err)
	}
	adv, err := plain.Advantages(step())
	if err != nil || adv[0][0] != 1 || adv[2][0] != 0 {
		t.Errorf("no baseline: %v, %v", adv, err)
	}
}

func TestOnPolicyValidate(t *testing.T) {
	for _, c := range []struct {
		want string
		edit func(*OnPolicy)
	}{
		{"clip_low is 1, want a number in (0, 1)", func(a *OnPolicy) { a.ClipLow = 1 }},
		{"clip_low is NaN", func(a *OnPolicy) { a.ClipLow = math.NaN() }},
		{"clip_high is 0, want a number > 0", func(a *OnPolicy) { a.ClipHigh = 0 }},
		{"limit is 4, want it unset: objective clip does not read it", func(a *OnPolicy) { a.Limit = 4 }},
		{"limit is 1.1, want more than 1+clip_high", func(a *OnPolicy) { a.Term, a.Limit = "two_sided", 1.1 }},
		{"limit is 1, want a number > 1", func(a *OnPolicy) { a.Term, a.Limit = "dual_clip", 1 }},
		{`objective is "ppo", want one of clip, two_sided`, func(a *OnPolicy) { a.Term = "ppo" }},
		{`advantage is "std", want one of group`, func(a *OnPolicy) { a.Advantage = "std" }},
		{`reduce is "mean", want one of token_mean, sequence_mean, sequence_sum, constant`, func(a *OnPolicy) { a.Reduce = "mean" }},
		{"kl_coef is -1, want a number >= 0", func(a *OnPolicy) { a.KLCoef = -1 }},
		{"the gradient of k1 has mean zero", func(a *OnPolicy) { a.KL = "k1" }},
		{`kl is "k3", want k1 with kl_in reward`, func(a *OnPolicy) { a.KLIn = "reward" }},
		{`kl_in is "both", want loss or reward`, func(a *OnPolicy) { a.KLIn = "both" }},
		{"pass_k is 3, want at least 1 with advantage pass_at_k, and 0", func(a *OnPolicy) { a.PassK = 3 }},
		{"pass_k is 0", func(a *OnPolicy) { a.Advantage = "pass_at_k" }},
		{"entropy_coef is -1", func(a *OnPolicy) { a.EntropyCoef = -1 }},
		{"top_entropy is 1, want a number in [0, 1)", func(a *OnPolicy) { a.TopEntropy = 1 }},
		{`importance is "tis", want one of token_truncate`, func(a *OnPolicy) { a.Importance = "tis" }},
		{"importance_limit is 0, want a number > 0", func(a *OnPolicy) { a.Importance = "token_mask" }},
		{"importance_limit is 3, want it unset", func(a *OnPolicy) { a.ImportanceLimit = 3 }},
		{"off_policy_limit is -1", func(a *OnPolicy) { a.OffPolicyLimit = -1 }},
		{"overlong_buffer is -1", func(a *OnPolicy) { a.OverlongBuffer = -1 }},
		{"objective gspo has one ratio for all of it", func(a *OnPolicy) { a.Term, a.Advantage = "gspo", "optimal_token" }},
		{"advantage reinforce_pp differs within an answer", func(a *OnPolicy) {
			a.Term, a.Advantage, a.KL, a.KLIn, a.KLCoef = "gspo", "reinforce_pp", "k1", "reward", 0.1
		}},
	} {
		a := grpo.New().(*OnPolicy)
		c.edit(a)
		if err := a.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// TestShaping: the KL and overlong answers change rewards before they are compared.
func TestShaping(t *testing.T) {
	a := rloo.New().(*OnPolicy)
	groups := []Group{{Rewards: []float64{1, 1}, Lengths: []int{2, 1}, MaxTokens: 4, K1: [][]float64{{0.5, 0.5}, {0}}}}
	adv, err := a.Advantages(groups)
	if err != nil || math.Abs(adv[0][0]+0.05) > 1e-15 || math.Abs(adv[0][1]-0.05) > 1e-15 {
		t.Errorf("advantages %v, %v, want 0.05 for a KL of 1 nat", adv, err)
	}
	groups[0].K1 = nil
	if _, err := a.Advantages(groups); err == nil {
		t.Error("a KL that was not given was ignored")
	}
	d := dapo.New().(*OnPolicy)
	d.OverlongBuffer, d.Advantage = 4, "centred"
	if adv, err = d.Advantages(groups); err != nil || adv[0][0] != -0.125 {
		t.Errorf("advantages %v, %v, want a quarter of the reward for each token", adv, err)
	}
	d.OverlongBuffer = 5
	if _, err := d.Advantages(groups); err == nil {
		t.Error("a buffer longer than a completion was accepted")
	}
	if groups[0].Rewards[0] != 1 {
		t.Error("the caller's rewards were changed")
	}
}

func TestTokenReturnsPayTheKL(t *testing.T) {
	a := reinforcePP.New().(*OnPolicy)
	a.KLCoef = 0.5
	if n := a.Needs(); !n.TokenAdvantages || !n.RewardKL || !n.Reference {
		t.Errorf("needs %+v", n)
	}
	groups := []Group{{Rewards: []float64{1, 0}, Lengths: []int{2, 1}, K1: [][]float64{{0.2, 0.4}, {0}}}}
	adv, err := a.TokenAdvantages(groups)
	if err != nil {
		t.Fatal(err)
	}
	// Returns 0.7, 0.8 and 0: the order stays under whitening, and their mean becomes 0.
	if v := adv[0][0]; !(v[1] > v[0] && v[0] > 0) || math.Abs(v[0]+v[1]+adv[0][1][0]) > 1e-12 {
		t.Errorf("advantages %v", adv)
	}
	if _, err := grpo.New().(*OnPolicy).TokenAdvantages(groups); err == nil {
		t.Error("grpo gave advantages of tokens")
	}
	if _, err := optimalToken.New().Advantages(groups); err == nil {
		t.Error("optimal_token gave advantages of answers")
	}
}

func TestFactor(t *testing.T) {
	a := dapo.New().(*OnPolicy)
	a.Importance, a.ImportanceLimit, a.TopEntropy, a.OffPolicyLimit = "token_truncate", 2, 0.5, 0.1
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	s := Step{
		Lengths: []int{2, 2}, Advantage: []float64{1, -1}, Old: []float64{-1, -1, -1, -1}, Sampled: []float64{-1, -3, -1, -1},
		LogP: []float64{-1, -1, -2, -2}, Entropy: []float64{0, 1, 1, 0},
	}
	got, err := a.Factor(s)
	if err != nil || !slices.Equal(got, []float64{0, 2, 0, 0}) {
		t.Errorf("factor %v, %v: want the truncated weight, the mask of entropy, and the answer that was left dropped", got, err)
	}
	n := a.Needs()
	if !n.Factor || !n.StepEntropy || !n.StepLogProbs || !n.RolloutLogProbs {
		t.Errorf("needs %+v", n)
	}
	in := inputs(a)
	in.Factor = []float64{0, 0, 0, 0, 0, 1}
	out, err := loss.Eval(a.Objective(), in)
	if err != nil || out.DLogP[0] != 0 || out.DLogP[5] == 0 {
		t.Errorf("gradient %v, %v", out.DLogP, err)
	}
	g := gmpo.New().(*OnPolicy)
	g.Importance, g.ImportanceLimit = "token_truncate", 100
	if got, err = g.Factor(s); err != nil || math.Abs(got[0]-math.E) > 1e-12 || math.Abs(got[1]-math.E) > 1e-12 || got[2] != 1 {
		t.Errorf("under gmpo %v, %v, want the geometric mean of 1 and e²", got, err)
	}
}

func TestEntropyBonusIsAskedFor(t *testing.T) {
	a := grpo.New().(*OnPolicy)
	a.EntropyCoef = 0.01
	out, err := loss.Eval(a.Objective(), inputs(a))
	if err != nil || !a.Needs().Entropy || out.DEntropy[0] != -0.01*inputs(a).Weights[0] {
		t.Errorf("%+v, %v", out, err)
	}
}
