package advantage

import (
	"math"
	"testing"
)

// sequence is one or two tokens drawn from [three]: the first arm of the first token ends it.
type sequence struct {
	prob, reward float64
	arms         []int
}

func sequences() (all []sequence) {
	for a, p := range three.p {
		if a == 0 {
			all = append(all, sequence{p, .3, []int{0}})
			continue
		}
		for b, q := range three.p {
			all = append(all, sequence{p * q, three.r[a] + 2*three.r[b], []int{a, b}})
		}
	}
	return all
}

// TestTokenBaselineIsUnbiased enumerates all groups of three answers of one or two tokens: leave-one-out at each position
// has the true gradient, with and without a prior, also where a position has no other answer; verl's, which sees the
// sample itself, has not.
func TestTokenBaselineIsUnbiased(t *testing.T) {
	all := sequences()
	sumP2 := norm2(three.p)
	g := make([]float64, 3)
	for _, s := range all {
		for _, a := range s.arms {
			addTo(g, s.prob*s.reward, three.score(a))
		}
	}
	for name, c := range map[string]struct {
		biased bool
		of     func(r []float64, e, logp, p2 [][]float64) [][]float64
	}{
		"no prior":    {false, func(r []float64, e, _, _ [][]float64) [][]float64 { return UpToTokenLeaveOneOut(r, e, Prior{}) }},
		"shrunk":      {false, func(r []float64, e, _, _ [][]float64) [][]float64 { return UpToTokenLeaveOneOut(r, e, Prior{.4, .7}) }},
		"itself, too": {true, func(r []float64, _, logp, p2 [][]float64) [][]float64 { return OptimalToken(r, logp, p2) }},
	} {
		mean := make([]float64, 3)
		n := len(all)
		for code := range n * n * n {
			group := []sequence{all[code%n], all[code/n%n], all[code/n/n]}
			prob := 1.0
			var r []float64
			var e, logp, p2 [][]float64
			for _, s := range group {
				prob *= s.prob
				r = append(r, s.reward)
				var own, l, p []float64
				for _, a := range s.arms {
					own, l, p = append(own, Energy(three.p[a], sumP2)), append(l, math.Log(three.p[a])), append(p, sumP2)
				}
				e, logp, p2 = append(e, own), append(logp, l), append(p2, p)
			}
			for i, adv := range c.of(r, e, logp, p2) {
				for k, a := range group[i].arms {
					addTo(mean, prob*adv[k]/3, three.score(a))
				}
			}
		}
		addTo(mean, -1, g)
		if bias := math.Sqrt(norm2(mean)); bias > 1e-12 != c.biased {
			t.Errorf("%s: bias %g, want it %v", name, bias, c.biased)
		}
	}
}

// TestUpToTokenLeaveOneOut by hand: the weights of group 6, with a prior and with a missing score.
func TestUpToTokenLeaveOneOut(t *testing.T) {
	nan := math.NaN()
	e := [][]float64{{.2, .4, .1}, {9, 9}, {.5, .3}}
	got := UpToTokenLeaveOneOut([]float64{1, nan, 0}, e, Prior{})
	near(t, got[0], []float64{1, 1, 1}, 1e-15) // the other has reward 0; nobody reaches the third token
	near(t, got[1], []float64{0, 0}, 0)
	near(t, got[2], []float64{-1, -1}, 1e-15)
	got = UpToTokenLeaveOneOut([]float64{1, nan, 0}, e, Prior{Kappa: .1, Baseline: .5})
	near(t, got[0], []float64{1 - .05/.6, 1 - .1/1, .5}, 1e-12)
	near(t, got[2], []float64{-(.2 + .05) / .3, -(.6 + .1) / .8}, 1e-12)
	near(t, UpToTokenLeaveOneOut([]float64{.1, .1}, [][]float64{{.3}, {.7}}, Prior{})[0], []float64{0}, 0)
	near(t, UpToTokenLeaveOneOut([]float64{.1, nan}, [][]float64{{.3}, {.7}}, Prior{})[0], []float64{0}, 0)
	near(t, UpToTokenLeaveOneOut([]float64{.1}, [][]float64{{.3}}, Prior{Kappa: 1, Baseline: .4})[0], []float64{-.3}, 1e-15)
}
