package eval

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

type golden struct {
	Wilson []struct {
		Hits, N   int
		Low, High float64
	}
	Means []struct {
		Xs                   []float64
		Mean, Low, High, P95 float64
	}
}

func loadGolden(t *testing.T) (g golden) {
	t.Helper()
	b, err := os.ReadFile("testdata/intervals.json")
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err != nil || len(g.Wilson) == 0 || len(g.Means) == 0 {
		t.Fatalf("testdata/intervals.json: %v; make it again with testdata/intervals.py", err)
	}
	return g
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }

// Against statsmodels, see testdata/intervals.py.
func TestWilsonAgainstStatsmodels(t *testing.T) {
	for _, c := range loadGolden(t).Wilson {
		if low, high := Wilson(c.Hits, c.N); !near(low, c.Low) || !near(high, c.High) {
			t.Errorf("Wilson(%d, %d) = %v, %v, want %v, %v", c.Hits, c.N, low, high, c.Low, c.High)
		}
	}
}

// Table I, method 3, of Newcombe 1998, "Two-sided confidence intervals for the single proportion", Statistics in
// Medicine 17, 857-872; printed there with four decimals.
func TestWilsonAgainstNewcombe(t *testing.T) {
	for _, c := range []struct {
		hits, n   int
		low, high float64
	}{
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
	} {
		if low, high := Wilson(c.hits, c.n); math.Abs(low-c.low) > 5e-5 || math.Abs(high-c.high) > 5e-5 {
			t.Errorf("Wilson(%d, %d) = %.4f, %.4f, want %.4f, %.4f", c.hits, c.n, low, high, c.low, c.high)
		}
	}
}

func TestWilsonEdges(t *testing.T) {
	if low, high := Wilson(0, 20); low != 0 || high <= 0 {
		t.Errorf("no hit: %v, %v", low, high)
	}
	if low, high := Wilson(20, 20); high != 1 || low >= 1 {
		t.Errorf("all hits: %v, %v", low, high)
	}
	if low, high := Wilson(0, 0); !math.IsNaN(low) || !math.IsNaN(high) {
		t.Errorf("no items: %v, %v", low, high)
	}
}

// Against scipy and numpy, see testdata/intervals.py.
func TestMeanAndPercentileAgainstScipy(t *testing.T) {
	for _, c := range loadGolden(t).Means {
		mean, low, high := MeanInterval(c.Xs)
		if !near(mean, c.Mean) || !near(low, c.Low) || !near(high, c.High) {
			t.Errorf("n %d: %v in %v, %v, want %v in %v, %v", len(c.Xs), mean, low, high, c.Mean, c.Low, c.High)
		}
		if got := percentile(slices.Sorted(slices.Values(c.Xs)), 95); got != c.P95 {
			t.Errorf("n %d: p95 %v, want %v", len(c.Xs), got, c.P95)
		}
	}
}

func TestMeanOfFewValues(t *testing.T) {
	if mean, low, high := MeanInterval([]float64{7}); mean != 7 || !math.IsNaN(low) || !math.IsNaN(high) {
		t.Errorf("one value: %v in %v, %v", mean, low, high)
	}
	if mean, _, _ := MeanInterval(nil); !math.IsNaN(mean) || !math.IsNaN(percentile(nil, 95)) {
		t.Error("no values have a mean or a percentile")
	}
}
