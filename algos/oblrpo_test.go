package algos

import (
	"encoding"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos/advantage"
)

// opened is a run of the defaults, changed.
func opened(change func(*OBLRPO)) *oblrRun {
	a := oblrpo.New().(*OBLRPO)
	if change != nil {
		change(a)
	}
	return a.Open().(*oblrRun)
}

// weighed is a step of two groups with norms of every kind: the exact ones differ by outcome.
func weighed() []Group {
	norms := func(exact ...float64) map[string][]float64 {
		out := map[string][]float64{}
		for _, kind := range oblrWeights {
			out[kind] = slices.Repeat([]float64{1}, len(exact))
		}
		out[ExactNorm] = exact
		return out
	}
	return []Group{
		{Rewards: []float64{1, 0, .5, 1}, Lengths: []int{1, 2, 3, 4}, Norms: norms(.38, .78, .98, .38)},
		{Rewards: []float64{0, 1, math.NaN(), 0}, Lengths: []int{1, 1, 1, 1}, Norms: norms(4, .5, math.NaN(), 3)},
	}
}

func measureOf(t *testing.T, a Measurer, name string) float64 {
	t.Helper()
	for _, m := range a.Measures() {
		if m.Name == name {
			return m.Value
		}
	}
	t.Fatalf("no measure %s in %v", name, a.Measures())
	return 0
}

// TestOBLRPOAdvantages: the first step is plain leave-one-out, the second is shrunk towards the first.
func TestOBLRPOAdvantages(t *testing.T) {
	a, groups := opened(nil), weighed()
	first, err := a.Advantages(groups)
	if err != nil {
		t.Fatal(err)
	}
	var seen advantage.Running
	for i, g := range groups {
		want := advantage.WeightedLeaveOneOut(g.Rewards, g.Norms[ExactNorm], advantage.Prior{})
		if !slices.Equal(first[i], want) {
			t.Errorf("group %d: %v, want %v", i, first[i], want)
		}
	}
	if k := measureOf(t, a, "baseline/kappa"); k != 0 {
		t.Errorf("kappa %v in the first step", k)
	}
	g := groups[0]
	s, u := advantage.Compare(g.Rewards, g.Norms[ExactNorm], first[0]), advantage.Compare(groups[1].Rewards, groups[1].Norms[ExactNorm], first[1])
	for name, want := range map[string]float64{
		"variance/ours": (s.Ours + u.Ours) / 2, "variance/mean": (s.Mean + u.Mean) / 2, "variance/rloo": (s.RLOO + u.RLOO) / 2, "variance/none": (s.None + u.None) / 2,
		"corr_weight_reward": (advantage.Correlation(g.Norms[ExactNorm], g.Rewards) + advantage.Correlation(groups[1].Norms[ExactNorm], groups[1].Rewards)) / 2,
	} {
		if got := measureOf(t, a, name); math.Abs(got-want) > 1e-15 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	seen.Observe([][]float64{g.Rewards, groups[1].Rewards}, [][]float64{g.Norms[ExactNorm], groups[1].Norms[ExactNorm]})
	second, err := a.Advantages(groups)
	if err != nil {
		t.Fatal(err)
	}
	if want := advantage.WeightedLeaveOneOut(g.Rewards, g.Norms[ExactNorm], seen.Prior(1)); !slices.Equal(second[0], want) || slices.Equal(second[0], first[0]) {
		t.Errorf("second step %v, want %v", second[0], want)
	}
}

// TestOtherBaselines: rloo, mean and none need no norms and are what their names say.
func TestOtherBaselines(t *testing.T) {
	g := Group{Rewards: []float64{1, math.NaN(), 0, .5}, Lengths: []int{1, 1, 1, 1}}
	for name, want := range map[string][]float64{
		"rloo": {.75, 0, -.75, 0}, "mean": {.5, 0, -.5, 0}, "none": {1, 0, 0, .5},
	} {
		a := opened(func(a *OBLRPO) { a.Baseline = name })
		if n := a.Needs(); n.RowNorms != nil || !n.GradStats {
			t.Errorf("%s needs %+v", name, n)
		}
		got, err := a.Advantages([]Group{g})
		if err != nil || !slices.Equal(got[0], want) {
			t.Errorf("%s: %v (%v), want %v", name, got, err, want)
		}
	}
	a := opened(func(a *OBLRPO) { a.ScaleRewards, a.AllowBiased = "group", true })
	groups := weighed()[:1]
	got, err := a.Advantages(groups)
	if err != nil {
		t.Fatal(err)
	}
	plain := advantage.WeightedLeaveOneOut(groups[0].Rewards, groups[0].Norms[ExactNorm], advantage.Prior{})
	for i, r := range advantage.GroupScaled(groups[0].Rewards) {
		if want := plain[i] * r / advantage.GroupCentred(groups[0].Rewards)[i]; math.Abs(got[0][i]-want) > 1e-12 {
			t.Errorf("scaled by the deviation: %v, want %v", got[0][i], want)
		}
	}
	if measureOf(t, a, "biased") != 1 {
		t.Error("a biased combination doesn't say so")
	}
}

// TestAuto: the probing step is RLOO, the smallest spread under exact weights is taken, and only its norms are asked for.
func TestAuto(t *testing.T) {
	a := opened(func(a *OBLRPO) { a.Baseline = "auto" })
	if n := a.Needs().RowNorms; !slices.Equal(n, []string{"len", "energy", "head", "head_exact", ExactNorm}) {
		t.Errorf("probing needs %q", n)
	}
	flat := weighed()
	for i := range flat {
		flat[i].Rewards = []float64{1, 1, 1, 1}
		flat[i].Norms[ExactNorm] = []float64{1, 2, 3, 4}
	}
	if _, err := a.Advantages(flat); err != nil || !a.probing() {
		t.Errorf("equal rewards were taken for a probe (%v)", err)
	}
	groups := weighed()
	got, err := a.Advantages(groups)
	if err != nil {
		t.Fatal(err)
	}
	if want := advantage.WeightedLeaveOneOut(groups[0].Rewards, nil, advantage.Prior{}); !slices.Equal(got[0], want) {
		t.Errorf("the probing step gives %v, want RLOO's %v", got[0], want)
	}
	if a.taken != ExactNorm {
		t.Errorf("took %q: %v", a.taken, a.Measures())
	}
	if len(a.Notes()) != 1 || !strings.HasSuffix(a.Notes()[0], "took exact") {
		t.Errorf("notes %q", a.Notes())
	}
	if measureOf(t, a, "probe/exact") >= measureOf(t, a, "probe/rloo") {
		t.Error("the probe's variances don't speak for what was taken")
	}
	if n := a.Needs().RowNorms; !slices.Equal(n, []string{ExactNorm}) {
		t.Errorf("after the probe it needs %q", n)
	}
	if _, err := a.Advantages(groups); err != nil || len(a.Notes()) != 0 {
		t.Errorf("notes %q after the probe (%v)", a.Notes(), err)
	}
	equal := opened(func(a *OBLRPO) { a.Baseline = "auto" })
	for i := range groups { // every candidate is RLOO: the first of equals
		groups[i].Norms[ExactNorm] = groups[i].Norms["len"]
	}
	if _, err := equal.Advantages(groups); err != nil || equal.taken != "rloo" || equal.Needs().RowNorms != nil {
		t.Errorf("took %q, needs %q (%v)", equal.taken, equal.Needs().RowNorms, err)
	}
}

// TestPace: the groups' gradients add up to the step's, and Adam's metric takes the averages over.
func TestPace(t *testing.T) {
	a := opened(func(a *OBLRPO) { a.SNR.Beta = 0 })
	if _, ok := Measurer(a).(Pacer); !ok {
		t.Fatal("a run has no pace")
	}
	// (3,0), (1,2), (2,1), (2,-1), each a fourth of the step's.
	n := GradNorms{Groups: 4, Squares: 24. / 16, Sum: 4.25, Plain: 4.25}
	if f := a.Pace(n); f != .1 {
		t.Errorf("factor %v in the first step of the warm-up", f)
	}
	if got := a.last.Signal; math.Abs(got-11./3) > 1e-12 {
		t.Errorf("signal %v, want 3.666667", got)
	}
	if got := measureOf(t, a, "snr/rho"); math.Abs(got-.862745) > 6e-7 {
		t.Errorf("rho %v, want .862745", got)
	}
	before, _ := a.rule().Means()
	n.Adam, n.Squares, n.Sum = true, n.Squares/100, n.Sum/100
	a.Pace(n)
	if after, _ := a.rule().Means(); math.Abs(after/before-.01) > 1e-9 {
		t.Errorf("signal %v in Adam's metric after %v", after, before)
	}
	if got := measureOf(t, a, "snr/noise_scale"); math.Abs(got-4/6.285714) > 1e-6 {
		t.Errorf("noise scale %v prompts", got)
	}
}

// TestOBLRPOResume: a run taken up again gives the same numbers.
func TestOBLRPOResume(t *testing.T) {
	for _, baseline := range []string{"weighted", "auto"} {
		change := func(a *OBLRPO) { a.Baseline = baseline }
		whole, parts := opened(change), opened(change)
		for step := range 4 {
			n := GradNorms{Groups: 8, Squares: 1, Sum: 3 / float64(step+1), Plain: 2, Adam: step > 1}
			want, _ := whole.Advantages(weighed())
			wantFactor := whole.Pace(n)
			data, err := encoding.BinaryMarshaler(parts).MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			parts = opened(change)
			if err := encoding.BinaryUnmarshaler(parts).UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			got, err := parts.Advantages(weighed())
			if err != nil || !slices.EqualFunc(got, want, slices.Equal[[]float64]) || parts.Pace(n) != wantFactor {
				t.Errorf("%s, step %d: %v, want %v (%v)", baseline, step, got, want, err)
			}
		}
	}
	for _, bad := range []string{"", "{}", `{"prior":"AAAA"}`, `{"taken":"best"}`} {
		if err := opened(nil).UnmarshalBinary([]byte(bad)); err == nil {
			t.Errorf("state %q was accepted", bad)
		}
	}
}

func TestOBLRPOValidate(t *testing.T) {
	for _, c := range []struct {
		want string
		edit func(*OBLRPO)
	}{
		{`baseline is "best", want one of weighted, token, auto, rloo, mean, none`, func(a *OBLRPO) { a.Baseline = "best" }},
		{`weights is "norm", want one of exact, ghost`, func(a *OBLRPO) { a.Weights = "norm" }},
		{"kappa is -1, want a number >= 0", func(a *OBLRPO) { a.Kappa = -1 }},
		{"snr: beta is 1", func(a *OBLRPO) { a.SNR.Beta = 1 }},
		{"clip_low is 2", func(a *OBLRPO) { a.ClipLow = 2 }},
		{"scale_rewards group with baseline weighted is biased: the group's deviation depends on the sample, so E[b·s/std] is not 0; want allow_biased: true", func(a *OBLRPO) { a.ScaleRewards = "group" }},
		{"reduce sequence_mean with baseline auto is biased", func(a *OBLRPO) { a.Baseline, a.Reduce = "auto", "sequence_mean" }},
		{"reduce token_mean with baseline weighted is biased", func(a *OBLRPO) { a.Reduce = "token_mean" }},
	} {
		a := oblrpo.New().(*OBLRPO)
		c.edit(a)
		if err := a.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
		if a.AllowBiased = true; strings.Contains(c.want, "is biased") && a.Validate() != nil {
			t.Errorf("allow_biased doesn't allow: %v", a.Validate())
		}
	}
	a := oblrpo.New().(*OBLRPO)
	if _, err := a.CheckPrompts(3); err == nil || !strings.Contains(err.Error(), "oblr-po: snr: 3 prompts a step, want at least 4") {
		t.Errorf("3 prompts: %v", err)
	}
	if a.SNR.On = false; a.Needs().GradStats {
		t.Error("gradients are measured for nobody")
	}
	if _, err := a.CheckPrompts(1); err != nil {
		t.Errorf("without the rate's factor: %v", err)
	}
	g := weighed()[:1]
	g[0].Norms[ExactNorm][1] = math.Inf(1)
	if _, err := a.Advantages(g); err == nil || !strings.Contains(err.Error(), "row norm exact of sample 1 is +Inf") {
		t.Errorf("an infinite norm: %v", err)
	}
	delete(g[0].Norms, ExactNorm)
	if _, err := a.Advantages(g); err == nil || !strings.Contains(err.Error(), "0 row norms of kind exact, want 4") {
		t.Errorf("no norms: %v", err)
	}
}
