package algos

import (
	"math"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos/loss"
)

// TestEveryAlgorithm is the suite that each line of the table passes.
func TestEveryAlgorithm(t *testing.T) {
	nan := math.NaN()
	groups := []Group{
		{Rewards: []float64{1, 0, 0.5}, Lengths: []int{2, 1, 3}},
		{Rewards: []float64{0.1, 0.1, 0.1}, Lengths: []int{1, 1, 1}},
		{Rewards: []float64{nan, 1, 0}, Lengths: []int{4, 1, 1}},
	}
	for _, info := range All() {
		t.Run(info.Name, func(t *testing.T) {
			a := info.New()
			if err := a.Validate(); err != nil {
				t.Fatalf("the defaults are refused: %v", err)
			}
			if info.Doc == "" || info.New() == a {
				t.Error("want a doc line and a fresh value from New")
			}
			for i := range groups {
				groups[i].Norms = map[string][]float64{}
				for _, kind := range a.Needs().RowNorms {
					groups[i].Norms[kind] = []float64{1, 2, 3}
				}
			}
			adv, err := a.Advantages(groups)
			if err != nil {
				t.Fatal(err)
			}
			in := loss.Inputs{LogP: []float64{-1, -2}, Old: []float64{-1, -2}, Adv: []float64{1, -1}}
			in.Weights = a.Reduction()([]int{2}, loss.Totals{Sequences: 1, Tokens: 2, MaxTokens: 8})
			if _, err := loss.Eval(a.Objective(), in); err != nil {
				t.Errorf("an algorithm that needs no reference: %v", err)
			}
			if a.Needs().Demonstrations {
				if adv != nil {
					t.Errorf("advantages of demonstrations: %v", adv)
				}
				return
			}
			for _, v := range adv[1] {
				if v != 0 {
					t.Errorf("advantages of equal rewards: %v, want exactly 0", adv[1])
				}
			}
			if adv[2][0] != 0 || adv[2][1] <= 0 || adv[2][2] >= 0 {
				t.Errorf("advantages beside a missing reward: %v", adv[2])
			}
		})
	}
}

func TestGRPOOptions(t *testing.T) {
	group := []Group{{Rewards: []float64{1, 0}}}
	a := grpo.New().(*GRPO)
	scaled, _ := a.Advantages(group)
	a.ScaleRewards = "none"
	centred, _ := a.Advantages(group)
	if centred[0][0] != 0.5 || math.Abs(scaled[0][0]-0.5/(math.Sqrt(0.5)+1e-4)) > 1e-15 {
		t.Errorf("scaled %v, centred %v", scaled, centred)
	}
	if a.Needs().Reference {
		t.Error("kl_coef 0 needs a reference")
	}
	a.KLCoef = 0.04
	if !a.Needs().Reference {
		t.Error("kl_coef 0.04 needs no reference")
	}
	if _, err := a.Advantages([]Group{{Rewards: []float64{1, math.Inf(1)}}}); err == nil {
		t.Error("an infinite reward was accepted")
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		want string
		edit func(*GRPO)
	}{
		{"clip_low is 1, want a number in (0, 1)", func(a *GRPO) { a.ClipLow = 1 }},
		{"clip_low is NaN", func(a *GRPO) { a.ClipLow = math.NaN() }},
		{"clip_high is 0, want a number > 0", func(a *GRPO) { a.ClipHigh = 0 }},
		{"kl_coef is -1, want a number >= 0", func(a *GRPO) { a.KLCoef = -1 }},
		{`scale_rewards is "batch", want group or none`, func(a *GRPO) { a.ScaleRewards = "batch" }},
		{`reduce is "mean", want one of token_mean, sequence_mean, sequence_sum, constant`, func(a *GRPO) { a.Reduce = "mean" }},
	} {
		a := grpo.New().(*GRPO)
		c.edit(a)
		if err := a.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func TestReductionsByName(t *testing.T) {
	step := loss.Totals{Sequences: 2, Tokens: 5, MaxTokens: 10}
	for name, want := range map[string]float64{"token_mean": 0.2, "sequence_mean": 0.25, "sequence_sum": 0.5, "constant": 0.05} {
		a := &SFT{Reduce: name}
		if got := a.Reduction()([]int{2}, step)[0]; got != want {
			t.Errorf("%s: weight %v, want %v", name, got, want)
		}
	}
}

func TestRegister(t *testing.T) {
	defer func() { registered = nil }()
	Register(Info{Name: "mine", New: sft.New})
	if _, ok := Lookup("mine"); !ok {
		t.Error("a registered algorithm is not found")
	}
	for _, name := range []string{"", "mine", "grpo"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("registering %q did not panic", name)
				}
			}()
			Register(Info{Name: name, New: sft.New})
		}()
	}
	for _, name := range Later() {
		if _, ok := Lookup(name); ok {
			t.Errorf("%s exists and is listed as later", name)
		}
	}
}
