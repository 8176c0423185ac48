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
	for i := range groups {
		groups[i].Norms = map[string][]float64{}
		for _, kind := range a.Needs().RowNorms {
			groups[i].Norms[kind] = []float64{1, 2, 3}
		}
	}
	if !a.Needs().TokenAdvantages {
		return a.Advantages(groups)
	}
	tokens, err := a.(TokenEstimator).TokenAdvantages(groups)
	return firsts(tokens), err
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
