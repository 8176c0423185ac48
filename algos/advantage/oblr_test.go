package advantage

import (
	"fmt"
	"math"
	"testing"
)

// TestOptimalTokenBaselineOfVerl is group 6.
func TestOptimalTokenBaselineOfVerl(t *testing.T) {
	weights := [][]float64{{.2, .4, .1}, {.5, .3}}
	returns := [][]float64{{1, 1, 1}, {0, 0}}
	for i, want := range [][]float64{{.2, .6, .7}, {.5, .8}} {
		near(t, cumulated(weights)[i], want, 1e-15)
	}
	for _, c := range []struct {
		tail bool
		last float64
	}{{true, 1}, {false, 0}} {
		got := PerToken(returns, weights, TokenOptions{Cumulative: true, ZeroTail: c.tail})
		near(t, got[0], []float64{.714286, .571429, c.last}, 6e-7)
		near(t, got[1], []float64{-.285714, -.428571}, 6e-7)
	}
	if got := PerToken(returns[:1], weights[:1], UpToToken); got[0][2] != 1 {
		t.Errorf("a group of one: %v, want its returns", got)
	}
	near(t, returns[0], []float64{1, 1, 1}, 0) // inputs stay as they are
	near(t, weights[0], []float64{.2, .4, .1}, 0)
}

// TestOwnTokenLeavesItselfOut: changing a sample's return moves its own advantage by exactly that.
func TestOwnTokenLeavesItselfOut(t *testing.T) {
	weights := [][]float64{{.2, .4, .1}, {.5, .3}, {.6, .1}}
	a := PerToken([][]float64{{1, 1, 1}, {0, 0}, {.5, .25}}, weights, OwnToken)
	near(t, a[0], []float64{1 - .3/1.1, 1 - .025/.4, 1}, 1e-15) // alone at the third token: no baseline
	b := PerToken([][]float64{{3, 3, 3}, {0, 0}, {.5, .25}}, weights, OwnToken)
	for i := range a[0] {
		if math.Abs(b[0][i]-a[0][i]-2) > 1e-12 {
			t.Errorf("token %d moved by %v, want 2", i, b[0][i]-a[0][i])
		}
	}
	zero := PerToken([][]float64{{1}, {0}, {.5}}, [][]float64{{0}, {0}, {0}}, OwnToken)
	near(t, []float64{zero[0][0], zero[1][0], zero[2][0]}, []float64{.75, -.75, 0}, 1e-15)
}

var weightedOnes = map[string]func(r, w []float64) []float64{
	"leave one out": func(r, w []float64) []float64 { return WeightedLeaveOneOut(r, w, Prior{}) },
	"rloo":          func(r, _ []float64) []float64 { return WeightedLeaveOneOut(r, nil, Prior{}) },
	"shrunk":        func(r, w []float64) []float64 { return WeightedLeaveOneOut(r, w, Prior{2, .25}) },
	"self":          WeightedCentred,
}

// TestWeightedEdges is the rest of groups 3 and 9: equal rewards, missing ones, certain others, groups of one, order, scale.
func TestWeightedEdges(t *testing.T) {
	nan := math.NaN()
	for name, f := range weightedOnes {
		t.Run(name, func(t *testing.T) {
			w := []float64{.4, 1.1, .7, .2}
			if name != "shrunk" {
				near(t, f([]float64{.1, .1, .1, .1}, w), []float64{0, 0, 0, 0}, 0)
				near(t, f([]float64{.1, nan, .1, .1}, w), []float64{0, 0, 0, 0}, 0)
			}
			near(t, f([]float64{nan, 3, nan}, w), []float64{0, 0, 0}, 0) // one score compares with nobody
			near(t, f(nil, nil), nil, 0)
			r := []float64{1, 0, .5, .2}
			whole := f(r, w)
			holed := f([]float64{1, nan, 0, .5, .2}, []float64{.4, nan, 1.1, .7, .2})
			near(t, holed, []float64{whole[0], 0, whole[1], whole[2], whole[3]}, 1e-15)
			swapped := f([]float64{r[3], r[1], r[0], r[2]}, []float64{w[3], w[1], w[0], w[2]})
			near(t, swapped, []float64{whole[3], whole[1], whole[0], whole[2]}, 1e-15)
		})
	}
	near(t, WeightedLeaveOneOut([]float64{2}, []float64{1}, Prior{}), []float64{2}, 0)        // b = 0
	near(t, WeightedLeaveOneOut([]float64{2}, []float64{1}, Prior{1, .5}), []float64{1.5}, 0) // b = b0
	near(t, WeightedLeaveOneOut([]float64{1, 0, .5}, []float64{1, 0, 0}, Prior{}), []float64{1 - .25, -1, -.5}, 0)
	near(t, WeightedCentred([]float64{1, 0}, []float64{0, 0}), []float64{.5, -.5}, 0)
}

// TestScaleAndShift: r → a·r + c scales advantages by a, when b0 moves alike.
func TestScaleAndShift(t *testing.T) {
	r, w := []float64{1, 0, .5, 1}, []float64{.38, .78, .98, .38}
	scaled := make([]float64, len(r))
	for i := range r {
		scaled[i] = 3*r[i] - 7
	}
	a, b := WeightedLeaveOneOut(r, w, Prior{2, .25}), WeightedLeaveOneOut(scaled, w, Prior{2, 3*.25 - 7})
	for i := range a {
		if math.Abs(b[i]-3*a[i]) > 1e-12 {
			t.Errorf("sample %d: %v, want 3·%v", i, b[i], a[i])
		}
	}
}

func TestSpreads(t *testing.T) {
	nan := math.NaN()
	if s := Spread([]float64{1, nan, 0}, []float64{2, nan, 4}, []float64{.5, 0, -1}); s != (2*.25+4)/4 {
		t.Errorf("spread %v, want the scored samples' (0.5 + 4)/4", s)
	}
	if s := Spread([]float64{1, nan}, []float64{1, 1}, []float64{1, 1}); !math.IsNaN(s) {
		t.Errorf("spread of one sample %v, want NaN", s)
	}
	if c := Correlation([]float64{1, 2, nan, 3}, []float64{2, 4, nan, 6}); math.Abs(c-1) > 1e-15 {
		t.Errorf("correlation %v, want 1", c)
	}
	if c := Correlation([]float64{1, 1}, []float64{0, 1}); !math.IsNaN(c) {
		t.Errorf("correlation with a constant %v, want NaN", c)
	}
}

func TestRunning(t *testing.T) {
	var s Running
	if p := s.Prior(2); p != (Prior{}) {
		t.Errorf("nothing seen: %+v", p)
	}
	nan := math.NaN()
	s.Observe([][]float64{{1, 0}, {nan, 1}}, [][]float64{{2, 4}, {nan, 3}})
	p := s.Prior(2)
	if math.Abs(p.Kappa-6) > 1e-15 || math.Abs(p.Baseline-5./9) > 1e-15 {
		t.Errorf("%+v, want twice the mean weight 3 and 5/9", p)
	}
	s.Observe([][]float64{{nan}}, [][]float64{{nan}})
	if s.Prior(2) != p {
		t.Error("a step without scores changed the state")
	}
	s.Observe([][]float64{{0}}, [][]float64{{1}})
	q := s.Prior(1)
	if math.Abs(q.Kappa-(.9*3+1)/1.9) > 1e-15 || math.Abs(q.Baseline-.9*(5./3)/(.9*3+1)) > 1e-15 {
		t.Errorf("%+v after a second step", q)
	}
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var again Running
	if err := again.UnmarshalBinary(data); err != nil || again != s {
		t.Errorf("%+v (%v), want %+v", again, err, s)
	}
	if err := again.UnmarshalBinary(data[1:]); err == nil {
		t.Error("a short state was accepted")
	}
}

func ExampleWeightedLeaveOneOut() {
	weights := []float64{.38, .78, .98, .38}
	for _, a := range WeightedLeaveOneOut([]float64{1, 0, .5, 1}, weights, Prior{}) {
		fmt.Printf("%.6f ", a)
	}
	// Output: 0.593458 -0.718391 0.006494 0.593458
}
