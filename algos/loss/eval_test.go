package loss

import (
	"math"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
)

// TestGapZeroIsREINFORCE: with old equal to logp every token sits at the tie of min and the gradient is -A·w, for every
// surrogate that has the paper's value 1 there.
func TestGapZeroIsREINFORCE(t *testing.T) {
	for name, obj := range map[string]Objective{
		"clip": Clip(0.2, 0.2), "two_sided": TwoSided(0.2, 0.2, 4), "dual": DualClip(0.2, 0.2, 3), "cispo": CISPO(0, 5), "sapo": SAPO(1, 1.05),
		"dppo_tv": DPPOTV(0.2, 0.2, 20), "dro": DRO(0.1), "vespo": VESPO(2, 3, 3, 2), "gspo_token": GSPOToken(3e-4, 4e-4),
	} {
		in := readGolden(t).inputs(TokenMean)
		in.Old = in.LogP
		got := eval(t, obj, in)
		for i := range in.Adv {
			want := -in.Adv[i] * in.Weights[i]
			if math.Abs(got.DLogP[i]-want) > 1e-15 || name == "clip" && got.DLogP[i] != want {
				t.Errorf("%s: token %d: gradient %v, want %v", name, i, got.DLogP[i], want)
			}
		}
	}
}

// TestClipStopsOnTheHarmfulSideOnly walks the four corners: outside the bounds on either side, for either sign.
func TestClipStopsOnTheHarmfulSideOnly(t *testing.T) {
	logp := []float64{-1, -1, -1, -1}
	old := []float64{-1.5, -1.5, -0.5, -0.5} // ratios e^0.5 and e^-0.5
	adv := []float64{1, -1, 1, -1}
	got := eval(t, Clip(0.2, 0.2), Inputs{LogP: logp, Old: old, Adv: adv, Weights: []float64{1, 1, 1, 1}})
	near(t, got.DLogP, []float64{0, math.Exp(0.5), -math.Exp(-0.5), 0}, 1e-15)
	near(t, got.Term, []float64{-1.2, math.Exp(0.5), -math.Exp(-0.5), 0.8}, 1e-15)
}

// TestImplicitAtTheReference: every divergence starts with the gradient of the likelihood, to the bit at beta 1.
func TestImplicitAtTheReference(t *testing.T) {
	for name, phi := range divergences {
		in := readGolden(t).inputs(TokenMean)
		want := eval(t, NLL(), in).DLogP
		in.Ref = in.LogP
		near(t, eval(t, Implicit(phi, 1, true), in).DLogP, want, 0)
		in = readGolden(t).inputs(TokenMean)
		for i, d := range eval(t, Implicit(phi, 1e-6, true), in).DLogP {
			if math.Abs(d/want[i]-1) > 1e-5 {
				t.Errorf("%s: at beta 1e-6 the gradient of token %d is %v, want %v", name, i, d, want[i])
			}
		}
	}
}

var divergences = map[string]Divergence{"tv": TotalVariation, "chi2": ChiSquare, "hellinger": Hellinger, "js": JensenShannon,
	"forward_kl": ForwardKL, "reverse_kl": ReverseKL}

// TestDivergenceVectors are the values (phi, phi') at beta 1 of the digest of the paper, to its four digits, and what the
// guards do far out: the weight stays bounded where phi has a pole.
func TestDivergenceVectors(t *testing.T) {
	for name, want := range map[string][8]float64{ // u = -0.4, 0, 0.5, 2
		"chi2":       {-0.4400, 1.2000, 0, 1, 0.4375, 0.7500, 1.0000, 0},
		"hellinger":  {-0.6667, 2.7778, 0, 1, 0.3333, 0.4444, 0.6667, 0.1111},
		"js":         {-0.6769, 2.9356, 0, 1, 0.3318, 0.4353, 0.6231, 0.0726},
		"forward_kl": {-0.5108, 1.6667, 0, 1, 0.4055, 0.6667, 1.0986, 0.3333},
		"reverse_kl": {-0.4918, 1.4918, 0, 1, 0.3935, 0.6065, 0.8647, 0.1353},
	} {
		ref := []float64{-1, -1, -1, -1}
		logp := []float64{-1.4, -1, -0.5, 1}
		got := eval(t, Implicit(divergences[name], 1, true), Inputs{LogP: logp, Ref: ref, Weights: []float64{1, 1, 1, 1}})
		for i := range logp {
			near(t, []float64{-got.Term[i], -got.DLogP[i]}, want[2*i:2*i+2], 5.1e-5)
		}
	}
	far := Inputs{LogP: []float64{-51, 0}, Ref: []float64{-1, -50}, Weights: []float64{1, 1}}
	for name, slope := range map[string]float64{"hellinger": 4, "js": 4.6935, "forward_kl": 2, "reverse_kl": 7.3891} {
		got := eval(t, Implicit(divergences[name], 1, true), far)
		if math.Abs(-got.DLogP[0]-slope) > 5e-5 || got.DLogP[1] > 0 || -got.DLogP[1] > 0.02 {
			t.Errorf("%s: weights %v, want %v far below the reference and none far above", name, got.DLogP, slope)
		}
	}
}

func TestGuardsAreSmooth(t *testing.T) {
	for name, at := range map[string]float64{"chi2": 2, "hellinger": -0.5, "js": -0.5, "forward_kl": -0.5, "reverse_kl": -2} {
		const h = 1e-9
		in := Inputs{LogP: []float64{at - h, at, at + h}, Ref: []float64{0, 0, 0}, Weights: []float64{1, 1, 1}}
		got := eval(t, Implicit(divergences[name], 1, true), in).DLogP
		if math.Abs(got[0]-got[1]) > 1e-7 || math.Abs(got[2]-got[1]) > 1e-7 {
			t.Errorf("%s: gradients around its guard are %v", name, got)
		}
	}
}

func TestLogSigmoidHasTails(t *testing.T) {
	obj := func(x *Expr, t Tokens) *G.Node { return x.LogSigmoid(t.LogP) }
	got := eval(t, obj, Inputs{LogP: []float64{-800, -40, -17, 0, 30, 800}, Weights: []float64{1, 1, 1, 1, 1, 1}})
	near(t, got.Term[:4], []float64{-800, -40, -17 - math.Log1p(math.Exp(-17)), -math.Ln2}, 1e-14)
	if want := -math.Exp(-30); math.Abs(got.Term[4]/want-1) > 1e-12 {
		t.Errorf("log sigmoid(30) = %v, want %v", got.Term[4], want)
	}
	near(t, got.DLogP, []float64{1, 1, 1 / (1 + math.Exp(-17)), 0.5, math.Exp(-30), 0}, 1e-12)
}

func TestSigmoidHasTails(t *testing.T) {
	obj := func(x *Expr, t Tokens) *G.Node { return x.Sigmoid(t.LogP) }
	got := eval(t, obj, Inputs{LogP: []float64{-800, 0, 20, 800}, Weights: []float64{1, 1, 1, 1}})
	near(t, got.Term, []float64{0, 0.5, 1 / (1 + math.Exp(-20)), 1}, 1e-16)
	near(t, got.DLogP, []float64{0, 0.25, math.Exp(-20), 0}, 1e-16)
}

// TestEntropyBonus: its gradient is in the entropy alone, and only objectives that use it have one.
func TestEntropyBonus(t *testing.T) {
	in := readGolden(t).inputs(TokenMean)
	got := eval(t, Sum(Clip(0.2, 0.2), EntropyBonus(0.01)), in)
	plain := eval(t, Clip(0.2, 0.2), in)
	if plain.DEntropy != nil {
		t.Errorf("a loss without the entropy has its gradient: %v", plain.DEntropy)
	}
	near(t, got.DLogP, plain.DLogP, 0)
	mean := 0.0
	for i, h := range in.Entropy {
		mean += h * in.Weights[i]
		near(t, got.DEntropy[i:i+1], []float64{-0.01 * in.Weights[i]}, 1e-18)
	}
	near(t, []float64{got.Loss}, []float64{plain.Loss - 0.01*mean}, 1e-15)
}

// TestFactorLeavesPenaltiesAlone: a masked policy term keeps its KL.
func TestFactorLeavesPenaltiesAlone(t *testing.T) {
	in := readGolden(t).inputs(TokenMean)
	in.Factor = make([]float64, len(in.LogP))
	got := eval(t, WithKL(Multiplied(Clip(0.2, 0.2)), 0.05), in)
	near(t, got.DLogP, eval(t, KL(0.05), in).DLogP, 0)
}

func TestOneTokenOnePairAndNone(t *testing.T) {
	got := eval(t, NLL(), Inputs{LogP: []float64{-3}, Weights: []float64{0.5}})
	near(t, []float64{got.Loss, got.DLogP[0], got.Term[0]}, []float64{1.5, -0.5, 3}, 0)
	if got := eval(t, NLL(), Inputs{}); got.Loss != 0 || len(got.DLogP) != 0 {
		t.Errorf("no tokens gave %+v", got)
	}
	one := Inputs{LogP: []float64{-1}, Old: []float64{-1.1}, Adv: []float64{2}, Lengths: []int{1}, Weights: []float64{1}}
	near(t, eval(t, GSPO(0.2, 0.2), one).DLogP, []float64{-2 * math.Exp(0.1)}, 1e-15)
	two := Inputs{LogP: []float64{-1, -2}, Ref: []float64{-1, -2}, Lengths: []int{1, 1}, Pairs: [][2]int{{0, 1}}, Weights: []float64{0.5, 0.5}}
	got = eval(t, DPO{Loss: Logistic(0.1)}.Objective(), two)
	near(t, append(got.DLogP, got.Loss), []float64{-0.05, 0.05, math.Ln2}, 1e-15)
}

func TestPairLossesFarOut(t *testing.T) {
	in := Inputs{LogP: []float64{-900, -1}, Ref: []float64{-1, -900}, Lengths: []int{1, 1}, Pairs: [][2]int{{0, 1}}, Weights: []float64{0.5, 0.5}}
	for name, l := range map[string]PairLoss{"logistic": Logistic(1), "cdpo": Conservative(1, 0.1), "robust": Robust(1, 0.1), "exo": EXO(1, 1e-3),
		"nca": NCA(1), "bco": BCO(1), "apo_zero": APOZero(1), "apo_down": APODown(1)} {
		if _, err := Eval(DPO{Loss: l}.Objective(), in); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKLPenaltyRefusesK1(t *testing.T) {
	for name, want := range map[string]string{"k1": "the gradient of k1 has mean zero", "k4": `kl is "k4", want k2`} {
		if _, err := KLPenalty(name, 0.1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
	}
	for _, name := range []string{"k2", "k3", "k3_corrected"} {
		if o, err := KLPenalty(name, 0.1); err != nil || o == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEvalErrors(t *testing.T) {
	one, nan := []float64{1, 1}, []float64{-1, math.NaN()}
	dpo := DPO{Loss: Logistic(0.1)}.Objective()
	pairs := func(l []int, p ...[2]int) Inputs {
		return Inputs{LogP: one, Ref: one, Weights: one, Lengths: l, Pairs: p}
	}
	for _, c := range []struct {
		name, want string
		obj        Objective
		in         Inputs
	}{
		{"NaN logp", "logp of token 1 is NaN", NLL(), Inputs{LogP: nan, Weights: one}},
		{"infinite advantage", "adv of token 0 is +Inf", NLL(), Inputs{LogP: one, Adv: []float64{math.Inf(1), 0}, Weights: one}},
		{"overflow", "token 1 of 2", Clip(0.2, 0.2), Inputs{LogP: []float64{0, 0}, Old: []float64{0, -1000}, Adv: []float64{-1, -1}, Weights: one}},
		{"length", "old has 1 tokens, want 2", NLL(), Inputs{LogP: one, Old: []float64{1}, Weights: one}},
		{"no weights", "no weights for 2 tokens", NLL(), Inputs{LogP: one}},
		{"no reference", "input that was not given", KL(0.1), Inputs{LogP: one, Weights: one}},
		{"no factor", "input that was not given", Multiplied(NLL()), Inputs{LogP: one, Weights: one}},
		{"no entropy", "input that was not given", Sum(NLL(), EntropyBonus(1)), Inputs{LogP: one, Weights: one}},
		{"no policy", "differentiate", func(x *Expr, t Tokens) *G.Node { return x.Neg(t.Adv) }, Inputs{LogP: one, Adv: one, Weights: one}},
		{"no sequences", "lengths were not given", dpo, pairs(nil)},
		{"no pairs", "pairs, and none were given", dpo, pairs([]int{1, 1})},
		{"lengths", "lengths sum to 3, want the 2 tokens", dpo, pairs([]int{1, 2})},
		{"pair twice", "sequence 0, which is paired already", dpo, pairs([]int{1, 1}, [2]int{0, 0})},
		{"pair outside", "sequence 2, want one of the 2", dpo, pairs([]int{1, 1}, [2]int{0, 2})},
		{"empty answer", "sequence 1, which has no tokens", dpo, pairs([]int{2, 0}, [2]int{0, 1})},
		{"half paired", "1 pairs of 3 sequences", dpo, pairs([]int{1, 1, 0}, [2]int{0, 1})},
		{"no labels", "no labels were given", KTOZero(0.1, 1, 1), pairs([]int{1, 1})},
		{"no mismatched", "input that was not given", KTO(0.1, 1, 1), pairs([]int{1, 1})},
		{"no grid", "grids of at least 2", SAMI(true), pairs([]int{1, 1})},
		{"mixed shapes", "operands have lengths 1 and 2", func(x *Expr, t Tokens) *G.Node { return x.Add(x.PerSequence(t.LogP), t.LogP) },
			Inputs{LogP: one, Weights: one, Lengths: []int{2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Eval(c.obj, c.in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	labelled := Inputs{LogP: one, Ref: one, Weights: one, Lengths: []int{1, 1}, Desirable: []bool{true, true}}
	if _, err := Eval(BCOShifted(0.1), labelled); err == nil || !strings.Contains(err.Error(), "one class only") {
		t.Errorf("bco with one class: %v", err)
	}
}

func TestWithKLZeroNeedsNoReference(t *testing.T) {
	eval(t, WithKL(NLL(), 0), Inputs{LogP: []float64{-1, -2}, Weights: []float64{1, 1}})
}

func TestFactors(t *testing.T) {
	old, sampled := []float64{0, 0, 0, 0}, []float64{-2, 0.5, math.NaN(), 1}
	w, err := Importance("token_truncate", old, sampled, []int{2, 2}, 3)
	if err != nil {
		t.Fatal(err)
	}
	near(t, w, []float64{3, math.Exp(-0.5), 1, math.Exp(-1)}, 1e-16)
	if _, err := Importance("tokens", old, sampled, nil, 3); err == nil {
		t.Error("an unknown kind was accepted")
	}
	near(t, EntropyMask([]float64{1, 2, 2, 3}, 0.5), []float64{0, 1, 1, 1}, 0)
	near(t, EntropyMask([]float64{1, 2, 2, 3}, 1), []float64{1, 1, 1, 1}, 0)
	near(t, EntropyMask(nil, 0.5), nil, 0)
	for n := 2; n <= 200; n++ { // every share that ends on a token keeps it, whatever the rounding of the product
		entropy := make([]float64, n)
		for i := range entropy {
			entropy[i] = float64(i)
		}
		for kept := 2; kept <= n; kept++ {
			sum := 0.0
			for _, v := range EntropyMask(entropy, float64(kept-1)/float64(n-1)) {
				sum += v
			}
			if sum != float64(kept) {
				t.Fatalf("%v of %d tokens stay, want %d", sum, n, kept)
			}
		}
	}
}

func TestReductionsSkipEmptySequences(t *testing.T) {
	step := Totals{Sequences: 4, Tokens: 6, MaxTokens: 5} // one of the four is in another micro-batch
	for _, c := range []struct {
		name string
		r    Reduction
		want []float64
	}{
		{"token mean", TokenMean, []float64{1. / 6, 1. / 6, 1. / 6}},
		{"sequence mean", SequenceMean, []float64{1. / 8, 1. / 8, 1. / 4}},
		{"sequence sum", SequenceSum, []float64{1. / 4, 1. / 4, 1. / 4}},
		{"constant", Constant, []float64{1. / 20, 1. / 20, 1. / 20}},
	} {
		t.Run(c.name, func(t *testing.T) { near(t, c.r([]int{2, 0, 1}, step), c.want, 1e-17) })
	}
}
