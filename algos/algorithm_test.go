package algos

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos/loss"
)

// step is three prompts of three samples with everything that an algorithm may ask for: equal rewards in the second,
// a missing one in the third.
func step() []Group {
	nan := math.NaN()
	groups := []Group{
		{Rewards: []float64{1, 0, 1}, Lengths: []int{2, 1, 3}},
		{Rewards: []float64{1, 1, 1}, Lengths: []int{1, 1, 1}},
		{Rewards: []float64{nan, 1, 0}, Lengths: []int{4, 1, 1}},
	}
	for i := range groups {
		g := &groups[i]
		g.MaxTokens, g.Greedy, g.Parts, g.Weights = 8, 0.5, [][]float64{g.Rewards, g.Rewards}, []float64{1, 2}
		if i == 1 {
			g.Greedy = 1
		}
		for _, n := range g.Lengths {
			zero := make([]float64, n)
			g.K1, g.SumP2 = append(g.K1, zero), append(g.SumP2, zero)
			logp := make([]float64, n)
			for t := range logp {
				logp[t] = -1
			}
			g.LogP = append(g.LogP, logp)
		}
	}
	return groups
}

// inputs are two pairs of answers with exactly what an algorithm needs, so that one which uses more fails.
func inputs(a Algorithm) loss.Inputs {
	n := a.Needs()
	lengths := []int{2, 1, 1, 2}
	in := loss.Inputs{LogP: []float64{-1, -2, -3, -1, -2, -1}, Lengths: lengths}
	in.Weights = a.Reduction()(lengths, loss.Totals{Sequences: 4, Tokens: 6, MaxTokens: 8})
	if !n.Demonstrations && !n.Pairs && !n.Unpaired && !n.Principles {
		in.Old, in.Adv = []float64{-1, -2.1, -3, -1, -2, -1}, []float64{1, 1, -1, -1, 2, 2}
	}
	if n.Reference {
		in.Ref = []float64{-1, -2.1, -3.2, -1.1, -2, -1}
	}
	if n.Pairs {
		in.Pairs, in.Chosen = [][2]int{{0, 1}, {2, 3}}, 3
	}
	if n.Unpaired {
		in.Desirable = []bool{true, false, false, true}
	}
	if n.Principles {
		in.Grid = 2
	}
	if n.Entropy {
		in.Entropy = []float64{1, 1, 1, 1, 1, 1}
	}
	if n.SumP2 {
		in.SumP2 = []float64{0.5, 0.5, 0.5, 0.5, 0.5, 0.5}
	}
	if n.Mismatched {
		in.Mismatched = []float64{0.5, -0.25}
	}
	return in
}

// TestEveryAlgorithm is the suite that each line of the table passes.
func TestEveryAlgorithm(t *testing.T) {
	for _, info := range All() {
		t.Run(info.Name, func(t *testing.T) {
			a := info.New()
			if err := a.Validate(); err != nil {
				t.Fatalf("the defaults are refused: %v", err)
			}
			if info.Doc == "" || info.New() == a {
				t.Error("want a doc line and a fresh value from New")
			}
			out, err := loss.Eval(a.Objective(), inputs(a))
			if err != nil {
				t.Fatal(err)
			}
			if slices.Max(out.DLogP) == 0 && slices.Min(out.DLogP) == 0 {
				t.Error("no token has a gradient")
			}
			checkCoupling(t, a)
			n := a.Needs()
			if n.Demonstrations || n.Pairs || n.Unpaired || n.Principles {
				if adv, err := a.Advantages(step()); adv != nil || err != nil {
					t.Errorf("advantages without rewards: %v, %v", adv, err)
				}
				return
			}
			checkAdvantages(t, info.Name, a)
		})
	}
}

// checkCoupling takes the answers apart as far as the algorithm allows, and compares.
func checkCoupling(t *testing.T, a Algorithm) {
	t.Helper()
	if a.Needs().Coupled > loss.BySequence {
		return
	}
	in := inputs(a)
	whole, err := loss.Eval(a.Objective(), in)
	if err != nil {
		t.Fatal(err)
	}
	part := func(v []float64, from, to int) []float64 {
		if v == nil {
			return nil
		}
		return v[from:to]
	}
	at := 0
	for i, n := range in.Lengths {
		one := loss.Inputs{LogP: in.LogP[at : at+n], Weights: in.Weights[at : at+n], Lengths: []int{n}, Old: part(in.Old, at, at+n),
			Adv: part(in.Adv, at, at+n), Ref: part(in.Ref, at, at+n), Mismatched: in.Mismatched}
		if in.Desirable != nil {
			one.Desirable = in.Desirable[i : i+1]
		}
		got, err := loss.Eval(a.Objective(), one)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.DLogP, whole.DLogP[at:at+n]) {
			t.Errorf("answer %d has gradient %v alone, %v among others", i, got.DLogP, whole.DLogP[at:at+n])
		}
		at += n
	}
}

func checkAdvantages(t *testing.T, name string, a Algorithm) {
	t.Helper()
	adv, err := advantagesOf(a, step())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(name, "reinforce_pp") && name != "optimal_token" { // whitened over the step; exact to rounding
		for _, v := range adv[1] {
			if v != 0 {
				t.Errorf("advantages of equal rewards: %v, want exactly 0", adv[1])
			}
		}
	}
	tie := name == "optimal_token" || name == "pass_at_k" // the two that are left: alone at its place, and both in the only subset
	if adv[2][0] != 0 || !(adv[2][1] > 0) && !tie || adv[2][2] > 0 {
		t.Errorf("advantages beside a missing reward: %v", adv[2])
	}
	infinite := step()
	infinite[0].Rewards[1] = math.Inf(1)
	if _, err := advantagesOf(a, infinite); err == nil {
		t.Error("an infinite reward was accepted")
	}
}

// advantagesOf asks as the loop does; of tokens it shows the first of each sample.
func advantagesOf(a Algorithm, groups []Group) ([][]float64, error) {
	if !a.Needs().TokenAdvantages {
		return a.Advantages(groups)
	}
	tokens, err := a.(TokenEstimator).TokenAdvantages(groups)
	return firsts(tokens), err
}

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

func TestLabelledValidate(t *testing.T) {
	for _, c := range []struct {
		want string
		a    Algorithm
	}{
		{`objective is "mle", want one of nll, dft, tv`, &SFT{Term: "mle", Beta: 1, Level: "token", Guard: true, Reduce: "token_mean"}},
		{"beta is 0", &SFT{Term: "chi2", Level: "token", Reduce: "token_mean"}},
		{"beta, level and guard are for divergences", &SFT{Term: "nll", Beta: 2, Level: "token", Guard: true, Reduce: "token_mean"}},
		{`level is "word"`, &SFT{Term: "chi2", Beta: 1, Level: "word", Reduce: "token_mean"}},
		{`reduce is ""`, &SFT{Term: "chi2", Beta: 1, Level: "token"}},
		{`loss is "dpo", want one of sigmoid, cdpo`, &DPO{Loss: "dpo", Beta: 0.1, FDivergence: "reverse_kl", TailWeight: 1}},
		{"beta is 0", &DPO{Loss: "sigmoid", FDivergence: "reverse_kl", TailWeight: 1}},
		{"label_smoothing is 0.1, want it unset: loss sigmoid", &DPO{Loss: "sigmoid", Beta: 1, LabelSmoothing: 0.1, FDivergence: "reverse_kl", TailWeight: 1}},
		{"label_smoothing is 0.5, want a number in [0, 0.5)", &DPO{Loss: "robust", Beta: 1, LabelSmoothing: 0.5, FDivergence: "reverse_kl", TailWeight: 1}},
		{"its logarithm is taken", &DPO{Loss: "exo", Beta: 1, FDivergence: "reverse_kl", TailWeight: 1}},
		{"lambda is 0, want a number > 0", &DPO{Loss: "dpop", Beta: 1, FDivergence: "reverse_kl", TailWeight: 1}},
		{"tau is 0, want a number > 0", &DPO{Loss: "discopop", Beta: 1, FDivergence: "reverse_kl", TailWeight: 1}},
		{`f_divergence is "kl"`, &DPO{Loss: "sigmoid", Beta: 1, FDivergence: "kl", TailWeight: 1}},
		{"alpha is 1, want a number > 0 other than 1", &DPO{Loss: "sigmoid", Beta: 1, FDivergence: "alpha", Alpha: 1, TailWeight: 1}},
		{"tail_weight is 2", &DPO{Loss: "sigmoid", Beta: 1, FDivergence: "reverse_kl", TailWeight: 2}},
		{"loss aot compares sorted answers", &DPO{Loss: "aot", Beta: 1, FDivergence: "reverse_kl", TailWeight: 1, NLLCoef: 1}},
		{"gamma is -1", &SimPO{Beta: 1, Gamma: -1}},
		{"alpha is NaN", &SimPO{Beta: 1, Alpha: math.NaN()}},
		{`loss is "robust", want sigmoid, hinge or ipo`, &CPO{Loss: "robust", Beta: 1}},
		{"label_smoothing is 0.1, want it unset", &CPO{Loss: "hinge", Beta: 1, LabelSmoothing: 0.1}},
		{"lambda is 0", &ORPO{}},
		{`reference_point is "none"`, &KTO{Beta: 1, ReferencePoint: "none"}},
		{"undesirable_weight is 0", &KTO{Beta: 1, DesirableWeight: 1, ReferencePoint: "zero"}},
		{"beta is -1", &BCO{Beta: -1}},
	} {
		if err := c.a.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// TestEveryPairLoss builds the whole family, each with the option that it reads, and its modifiers.
func TestEveryPairLoss(t *testing.T) {
	seen := map[string]bool{}
	evaluate := func(a *DPO) float64 {
		t.Helper()
		if err := a.Validate(); err != nil {
			t.Errorf("%s: %v", a.Loss, err)
			return 0
		}
		out, err := loss.Eval(a.Objective(), inputs(a))
		if err != nil {
			t.Errorf("%s: %v", a.Loss, err)
		}
		return out.Loss
	}
	for _, l := range pairLosses {
		a := dpo.New().(*DPO)
		a.Loss = l.name
		switch l.option {
		case "label_smoothing":
			a.LabelSmoothing = 0.1
		case "lambda":
			a.Lambda = 5
		case "tau":
			a.Tau = 0.05
		}
		evaluate(a)
		seen[l.name] = true
	}
	if len(seen) != 17 {
		t.Errorf("%d losses, want 17", len(seen))
	}
	plain := evaluate(dpo.New().(*DPO))
	for name, edit := range map[string]func(*DPO){
		"forward_kl": func(a *DPO) { a.FDivergence = "forward_kl" }, "js": func(a *DPO) { a.FDivergence = "js" },
		"alpha": func(a *DPO) { a.FDivergence, a.Alpha = "alpha", 0.5 }, "tail": func(a *DPO) { a.TailWeight = 0.5 },
		"length": func(a *DPO) { a.LengthCost = 0.01 }, "nll": func(a *DPO) { a.NLLCoef = 1 }, "weighted": func(a *DPO) { a.Weighted = true },
	} {
		a := dpo.New().(*DPO)
		edit(a)
		if evaluate(a) == plain {
			t.Errorf("%s changes nothing", name)
		}
	}
}

func TestSFTObjectives(t *testing.T) {
	seen := map[float64]string{}
	for _, term := range []string{"nll", "dft", "tv", "chi2", "hellinger", "js", "forward_kl", "reverse_kl"} {
		a := sft.New().(*SFT)
		a.Term = term
		if err := a.Validate(); err != nil {
			t.Fatal(err)
		}
		if n := a.Needs(); n.Reference == (term == "nll" || term == "dft") || n.Linear != (term == "nll" || term == "tv") {
			t.Errorf("%s needs %+v", term, n)
		}
		out, err := loss.Eval(a.Objective(), inputs(a))
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[out.Loss]; ok {
			t.Errorf("%s and %s are the same", term, other)
		}
		seen[out.Loss] = term
	}
	a := sft.New().(*SFT)
	a.Term, a.Level = "chi2", "sequence"
	if a.Needs().Coupled != loss.BySequence {
		t.Error("a log-ratio of the sequence couples nothing")
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

func TestReductionsByName(t *testing.T) {
	whole := loss.Totals{Sequences: 2, Tokens: 5, MaxTokens: 10}
	for name, want := range map[string]float64{"token_mean": 0.2, "sequence_mean": 0.25, "sequence_sum": 0.5, "constant": 0.05} {
		a := &SFT{Reduce: name}
		if got := a.Reduction()([]int{2}, whole)[0]; got != want {
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
	for name := range Later() {
		if _, ok := Lookup(name); ok {
			t.Errorf("%s exists and is listed as later", name)
		}
	}
	if !strings.Contains(Later()["ppo"], "critic") {
		t.Error("ppo is refused without saying why")
	}
}
