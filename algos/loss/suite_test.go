package loss

import (
	"math"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
)

// objectives is every objective; a new one is one line here.
var objectives = []struct {
	name string
	obj  Objective
}{
	{"nll", NLL()},
	{"clip", Clip(0.2, 0.28)},
	{"kl", KL(0.05)},
	{"sum", Sum(NLL(), KL(0.3), Clip(0.1, 0.2))},
	{"logsigmoid", func(x *Expr, t Tokens) *G.Node { return x.LogSigmoid(x.Sub(t.LogP, t.Ref)) }},
}

func each(t *testing.T, f func(t *testing.T, obj Objective, in Inputs)) {
	g := readGolden(t)
	for _, o := range objectives {
		t.Run(o.name, func(t *testing.T) { f(t, o.obj, g.inputs(SequenceMean)) })
	}
}

func eval(t *testing.T, obj Objective, in Inputs) Output {
	t.Helper()
	out, err := Eval(obj, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGradientEqualsFiniteDifferences(t *testing.T) {
	const h = 1e-6
	each(t, func(t *testing.T, obj Objective, in Inputs) {
		got := eval(t, obj, in)
		var want []float64
		for i := range in.LogP {
			v := in.LogP[i]
			in.LogP[i] = v + h
			up := eval(t, obj, in).Loss
			in.LogP[i] = v - h
			down := eval(t, obj, in).Loss
			in.LogP[i] = v
			want = append(want, (up-down)/(2*h))
		}
		near(t, got.DLogP, want, 1e-8)
	})
}

func TestNoWeightNoGradient(t *testing.T) {
	each(t, func(t *testing.T, obj Objective, in Inputs) {
		in.Weights[3], in.Weights[17] = 0, 0
		got := eval(t, obj, in)
		for i, d := range got.DLogP {
			if in.Weights[i] == 0 && d != 0 {
				t.Errorf("token %d has weight 0 and gradient %v", i, d)
			}
		}
		if got.DLogP[4] == 0 && got.DLogP[2] == 0 {
			t.Error("tokens with a weight have no gradient either")
		}
	})
}

// TestOrderAndSplit: a token's term and gradient have the same bits wherever it stands and whoever stands beside it.
func TestOrderAndSplit(t *testing.T) {
	each(t, func(t *testing.T, obj Objective, in Inputs) {
		whole := eval(t, obj, in)
		n := len(in.LogP)

		reversed := eval(t, obj, in.pick(func(i int) int { return n - 1 - i }, n))
		for i := range n {
			if whole.Term[i] != reversed.Term[n-1-i] || whole.DLogP[i] != reversed.DLogP[n-1-i] {
				t.Fatalf("token %d differs when the order is turned round", i)
			}
		}
		for _, cut := range []int{1, 7, n - 1} {
			a := eval(t, obj, in.pick(func(i int) int { return i }, cut))
			b := eval(t, obj, in.pick(func(i int) int { return cut + i }, n-cut))
			near(t, append(a.DLogP, b.DLogP...), whole.DLogP, 0)
			near(t, []float64{a.Loss + b.Loss}, []float64{whole.Loss}, 1e-14)
		}
	})
}

func (in Inputs) pick(at func(int) int, n int) Inputs {
	take := func(v []float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = v[at(i)]
		}
		return out
	}
	return Inputs{LogP: take(in.LogP), Old: take(in.Old), Ref: take(in.Ref), Adv: take(in.Adv), Weights: take(in.Weights)}
}

// TestGapZeroIsREINFORCE: with old equal to logp every token sits at the tie of min and the gradient is -A·w.
func TestGapZeroIsREINFORCE(t *testing.T) {
	in := readGolden(t).inputs(TokenMean)
	in.Old = in.LogP
	got := eval(t, Clip(0.2, 0.2), in)
	for i := range in.Adv {
		want := -in.Adv[i] * in.Weights[i]
		if got.DLogP[i] != want {
			t.Errorf("token %d: gradient %v, want exactly %v", i, got.DLogP[i], want)
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

func TestLogSigmoidHasTails(t *testing.T) {
	obj := func(x *Expr, t Tokens) *G.Node { return x.LogSigmoid(t.LogP) }
	got := eval(t, obj, Inputs{LogP: []float64{-800, -40, 0, 30, 800}, Weights: []float64{1, 1, 1, 1, 1}})
	near(t, got.Term[:3], []float64{-800, -40, -math.Ln2}, 1e-12)
	if want := -math.Exp(-30); math.Abs(got.Term[3]/want-1) > 1e-12 {
		t.Errorf("log sigmoid(30) = %v, want %v", got.Term[3], want)
	}
	near(t, got.DLogP, []float64{1, 1, 0.5, math.Exp(-30), 0}, 1e-12)
}

func TestOneTokenAndNone(t *testing.T) {
	got := eval(t, NLL(), Inputs{LogP: []float64{-3}, Weights: []float64{0.5}})
	near(t, []float64{got.Loss, got.DLogP[0], got.Term[0]}, []float64{1.5, -0.5, 3}, 0)
	if got := eval(t, NLL(), Inputs{}); got.Loss != 0 || len(got.DLogP) != 0 {
		t.Errorf("no tokens gave %+v", got)
	}
}

func TestEvalErrors(t *testing.T) {
	one, nan := []float64{1, 1}, []float64{-1, math.NaN()}
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
		{"no policy", "differentiate", func(x *Expr, t Tokens) *G.Node { return x.Neg(t.Adv) }, Inputs{LogP: one, Adv: one, Weights: one}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Eval(c.obj, c.in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestWithKLZeroNeedsNoReference(t *testing.T) {
	eval(t, WithKL(NLL(), 0), Inputs{LogP: []float64{-1, -2}, Weights: []float64{1, 1}})
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
