package algos

import (
	"math"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos/loss"
)

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
