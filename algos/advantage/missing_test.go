package advantage

import (
	"math"
	"testing"
)

// estimators are all that compare the samples of a prompt, as functions of groups.
var estimators = map[string]func(groups [][]float64) [][]float64{
	"scaled":   eachGroup(GroupScaled),
	"biased":   eachGroup(GroupScaledBiased),
	"centred":  eachGroup(GroupCentred),
	"rloo":     eachGroup(RLOO),
	"best":     eachGroup(BestMinusSecond),
	"maxrl":    eachGroup(must(MaxRL)),
	"pass@2":   eachGroup(must(func(r []float64) ([]float64, error) { return PassAtK(r, 2) })),
	"opo":      eachGroup(func(r []float64) []float64 { return OPO(r, ones(len(r))) }),
	"batch":    BatchScaled,
	"gpg":      GPG,
	"standard": func(g [][]float64) [][]float64 { return StepScaled(centred(g), g) },
	"rpp": func(g [][]float64) [][]float64 {
		lengths := make([][]int, len(g))
		for i := range g {
			lengths[i] = ones(len(g[i]))
		}
		return ReinforcePPBaseline(g, lengths)
	},
	"gdpo": func(g [][]float64) [][]float64 {
		parts := make([][][]float64, len(g))
		for i := range g {
			parts[i] = [][]float64{g[i], g[i]}
		}
		out, err := GDPO(parts, []float64{1, 2})
		if err != nil {
			panic(err)
		}
		return out
	},
	"token": func(g [][]float64) [][]float64 {
		out := make([][]float64, len(g))
		for i := range g {
			logp, sum := make([][]float64, len(g[i])), make([][]float64, len(g[i]))
			for j := range logp {
				logp[j], sum[j] = []float64{-1}, []float64{0.5}
			}
			for _, a := range OptimalToken(g[i], logp, sum) {
				out[i] = append(out[i], a[0])
			}
		}
		return out
	},
}

func eachGroup(f func([]float64) []float64) func([][]float64) [][]float64 {
	return func(groups [][]float64) [][]float64 {
		out := make([][]float64, len(groups))
		for i, g := range groups {
			out[i] = f(g)
		}
		return out
	}
}

func ones(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// TestEqualRewardsAreExactlyZero: three times 0.1 has a mean that is not 0.1.
func TestEqualRewardsAreExactlyZero(t *testing.T) {
	nan := math.NaN()
	for name, f := range estimators {
		value := 0.1
		switch name {
		case "pass@2":
			value = 1 // it takes 0 and 1 only
		case "token": // a baseline by weights is exact to rounding only
			continue
		}
		got := f([][]float64{{value, value, value}, {value, nan, value, value}})
		near(t, got[0], []float64{0, 0, 0}, 0)
		near(t, got[1], []float64{0, 0, 0, 0}, 0)
	}
}

// TestMissingRewards: a missing sample changes nothing for the others, wherever it stands, and one scored sample
// compares with nobody.
func TestMissingRewards(t *testing.T) {
	nan := math.NaN()
	for name, f := range estimators {
		t.Run(name, func(t *testing.T) {
			whole := f([][]float64{{1, 0, 0, 1, 1}, {0, 1, 0}})
			holed := f([][]float64{{1, nan, 0, 0, 1, 1}, {0, 1, nan, 0, nan}, {nan, nan}})
			w := whole[0]
			near(t, holed[0], []float64{w[0], 0, w[1], w[2], w[3], w[4]}, 1e-15)
			w = whole[1]
			near(t, holed[1], []float64{w[0], w[1], 0, w[2], 0}, 1e-15)
			near(t, holed[2], []float64{0, 0}, 0)
			near(t, f([][]float64{{nan, 1, nan}})[0], []float64{0, 0, 0}, 0)
			if got := f([][]float64{{}}); len(got) != 1 || len(got[0]) != 0 {
				t.Errorf("no samples gave %v", got)
			}
			if name != "best" && name != "token" && (w[0] >= 0 || w[1] <= 0) {
				t.Errorf("a reward of 0 has advantage %v and one of 1 has %v", w[0], w[1])
			}
		})
	}
}

func TestTokenReturnsSkipMissing(t *testing.T) {
	nan := math.NaN()
	k1 := [][][]float64{{{0.1, 0.2}, {0.3}}}
	whole := ReinforcePP([][]float64{{1, 0}}, k1, 0.5)
	holed := ReinforcePP([][]float64{{1, nan, 0}}, [][][]float64{{k1[0][0], {5, 5, 5}, k1[0][1]}}, 0.5)
	near(t, holed[0][0], whole[0][0], 1e-15)
	near(t, holed[0][1], []float64{0, 0, 0}, 0)
	near(t, holed[0][2], whole[0][1], 1e-15)
}

func TestReMaxNeedsTheGreedyReward(t *testing.T) {
	near(t, ReMax([]float64{1, math.NaN()}, 0.25), []float64{0.75, 0}, 0)
	near(t, ReMax([]float64{1, 0}, math.NaN()), []float64{0, 0}, 0)
}

// TestGAECarriesAcross: a token in the middle that is not trained changes nothing for the others.
func TestGAECarriesAcross(t *testing.T) {
	want := GAE([]float64{0, 1}, []float64{0.3, 0.6}, nil, 0.9, 0.8)
	got := GAE([]float64{0, 7, 1}, []float64{0.3, 9, 0.6}, []bool{true, false, true}, 0.9, 0.8)
	near(t, got, []float64{want[0], 0, want[1]}, 0)
	near(t, want, []float64{0.9*0.6 - 0.3 + 0.72*0.4, 0.4}, 1e-15)
}

func TestRefusals(t *testing.T) {
	if _, err := MaxRL([]float64{-1, 1}); err == nil {
		t.Error("maxrl took a negative reward")
	}
	if _, err := PassAtK([]float64{0.5, 1}, 2); err == nil {
		t.Error("pass@k took a reward of 0.5")
	}
	if _, err := PassAtK([]float64{0, 1}, 3); err == nil {
		t.Error("pass@3 of 2 samples was computed")
	}
	if _, err := GDPO([][][]float64{{{1, 0}}}, []float64{1, 1}); err == nil {
		t.Error("gdpo took one part and two weights")
	}
}

// TestPassAtKByCounting compares with all subsets of size k that hold the sample.
func TestPassAtKByCounting(t *testing.T) {
	rewards := []float64{1, 0, 0, 1, 0, 0}
	for k := 1; k <= len(rewards); k++ {
		raw := make([]float64, len(rewards))
		for i := range rewards {
			hit, all := 0.0, 0.0
			for set := range 1 << len(rewards) {
				n, right := 0, false
				for j, r := range rewards {
					if set>>j&1 == 1 {
						n++
						right = right || r == 1
					}
				}
				if n == k && set>>i&1 == 1 {
					all++
					if right {
						hit++
					}
				}
			}
			raw[i] = hit / all
		}
		got, err := PassAtK(rewards, k)
		if err != nil {
			t.Fatal(err)
		}
		near(t, got, GroupScaled(raw), 1e-12)
	}
}

func TestOverlong(t *testing.T) {
	for length, want := range map[int]float64{0: 0, 60: 0, 70: -0.25, 100: -1, 101: -1} {
		if got := Overlong(length, 100, 40); got != want {
			t.Errorf("length %d: %v, want %v", length, got, want)
		}
	}
}
