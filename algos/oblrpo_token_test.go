package algos

import (
	"encoding"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos/advantage"
)

// TestTokenBaseline: the first step has no prior, the second the energies and rewards of the first one's tokens; a run that
// is taken up goes on with them.
func TestTokenBaseline(t *testing.T) {
	token := func(a *OBLRPO) { a.Baseline, a.Kappa = "token", 2 }
	a := opened(token)
	if n := a.Needs(); !n.TokenAdvantages || !n.TokenStatistics || n.RowNorms != nil {
		t.Errorf("needs %+v, want statistics of tokens and no row norms", n)
	}
	l := math.Log(.5)
	groups := []Group{
		{Rewards: []float64{1, 0}, Lengths: []int{2, 1}, LogP: [][]float64{{l, l}, {l}}, SumP2: [][]float64{{.5, .4}, {.3}}},
		{Rewards: []float64{math.NaN(), 3}, Lengths: []int{1, 1}, LogP: [][]float64{{l}, {l}}, SumP2: [][]float64{{.9}, {.6}}},
	}
	first, err := a.TokenAdvantages(groups)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(first[0][0], []float64{1, 1}) || !slices.Equal(first[0][1], []float64{-1}) || first[1][1][0] != 0 {
		t.Errorf("first step: %v", first)
	}
	state, err := a.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	b := opened(token)
	if err := encoding.BinaryUnmarshaler(b).UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	mean := (.5 + .4 + .3 + .6) / 4 // of the energies of tokens that have a score
	prior := advantage.Prior{Kappa: 2 * mean, Baseline: (.9 + 3*.6) / (.5 + .4 + .3 + .6)}
	for _, run := range []*oblrRun{a, b} {
		got, err := run.TokenAdvantages(groups)
		if err != nil {
			t.Fatal(err)
		}
		want := advantage.UpToTokenLeaveOneOut(groups[0].Rewards, [][]float64{{.5, .4}, {.3}}, prior)
		for i := range want {
			for k := range want[i] {
				if math.Abs(got[0][i][k]-want[i][k]) > 1e-12 {
					t.Errorf("second step: %v, want %v", got[0], want)
				}
			}
		}
	}
	if _, err := a.Advantages(groups); err == nil || !strings.Contains(err.Error(), "one for each token") {
		t.Errorf("error %v", err)
	}
	groups[0].SumP2 = nil
	if _, err := a.TokenAdvantages(groups); err == nil || !strings.Contains(err.Error(), "group 0: statistics of 2 and 0 samples, want 2") {
		t.Errorf("error %v", err)
	}
	a.Reduce = "token_mean"
	if err := a.Validate(); err == nil || !strings.Contains(err.Error(), "biased") {
		t.Errorf("error %v, want one of the bias", err)
	}
}
