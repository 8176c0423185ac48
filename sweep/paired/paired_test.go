package paired

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

// golden is testdata/paired.json, written by paired.py beside it from scipy and statsmodels.
type golden struct {
	Pairs []struct {
		A, B                   []float64
		Mean, SD, Low, High, P float64
	}
	Families []struct{ P, Holm []float64 }
	Effects  []struct {
		N, Comparisons int
		Formula, Exact float64
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/paired.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil || len(g.Pairs) == 0 || len(g.Families) == 0 || len(g.Effects) == 0 {
		t.Fatalf("testdata/paired.json: %v; make it again with testdata/paired.py", err)
	}
	return g
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }

func TestCompareAgainstScipy(t *testing.T) {
	for _, c := range readGolden(t).Pairs {
		d := Compare(c.A, c.B)
		for _, v := range []struct {
			name      string
			got, want float64
		}{{"mean", d.Mean, c.Mean}, {"sd", d.SD, c.SD}, {"low", d.Low, c.Low}, {"high", d.High, c.High}, {"p", d.P, c.P}} {
			if !near(v.got, v.want) {
				t.Errorf("%d pairs: %s %v, want %v", len(c.A), v.name, v.got, v.want)
			}
		}
	}
}

func TestHolmAgainstStatsmodels(t *testing.T) {
	for _, c := range readGolden(t).Families {
		got := Holm(c.P)
		for i, want := range c.Holm {
			if !near(got[i], want) {
				t.Errorf("Holm(%v) = %v, want %v", c.P, got, c.Holm)
				break
			}
		}
	}
}

// TestDetectable: the formula is scipy's quantiles, and as near to the power function's root as its comment says.
func TestDetectable(t *testing.T) {
	for _, c := range readGolden(t).Effects {
		got := Detectable(1, c.N, c.Comparisons)
		if !near(got, c.Formula) {
			t.Errorf("n %d, %d comparisons: %v, want %v", c.N, c.Comparisons, got, c.Formula)
		}
		most := .02
		if c.Comparisons > 1 {
			most = map[int]float64{5: .065, 8: .03}[c.N] + .01
		}
		if off := got/c.Exact - 1; math.Abs(off) > most {
			t.Errorf("n %d, %d comparisons: %v, the exact root is %v", c.N, c.Comparisons, got, c.Exact)
		}
	}
}

func TestEdges(t *testing.T) {
	if d := Of(nil); !math.IsNaN(d.Mean) || !math.IsNaN(d.P) {
		t.Errorf("no pairs: %+v", d)
	}
	if d := Of([]float64{3}); d.Mean != 3 || !math.IsNaN(d.Low) || !math.IsNaN(d.P) || !math.IsNaN(Detectable(d.SD, d.N, 1)) {
		t.Errorf("one pair: %+v", d)
	}
	if d := Of([]float64{0, 0, 0}); d.P != 1 || d.Low != 0 || d.High != 0 {
		t.Errorf("no difference at all: %+v", d)
	}
	if d := Of([]float64{.1, .1, .1}); !math.IsNaN(d.P) || d.SD != 0 || d.Low != .1 || d.High != .1 {
		t.Errorf("the same difference every time: %+v", d)
	}
	h := Holm([]float64{.04, math.NaN(), .01})
	if h[0] != .04 || !math.IsNaN(h[1]) || h[2] != .02 {
		t.Errorf("Holm with one missing: %v", h)
	}
}

func ExampleCompare() {
	d := Compare([]float64{.61, .58, .66, .60}, []float64{.55, .57, .60, .52})
	fmt.Printf("%.4f in %.4f, %.4f, p %.3f\n", d.Mean, d.Low, d.High, d.P)
	// Output: 0.0525 in 0.0050, 0.1000, p 0.039
}
