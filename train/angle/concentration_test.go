package angle

import (
	"fmt"
	"math"
	"testing"

	"github.com/burnish-rl/burnish/internal/rng"
)

// matrixA is the worked example's: norms 3, 2, 5, 5 and √2.
var matrixA = []float32{1, 2, 2, 2, 0, 0, 0, 3, 4, 3, 0, 4, 1, 1, 0}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %.9g, want %.9g", what, got, want)
	}
}

// TestWorkedExamples are A to C of the formulas, worked by hand to six digits.
func TestWorkedExamples(t *testing.T) {
	const within = 1e-6
	whole := Measure(matrixA, 3, Segments{Prefix: 2})
	near(t, "intra", whole.Intra, .496176, within)
	near(t, "inter", whole.Inter, .613480, within)
	near(t, "their sum", whole.Intra+whole.Inter, 1.109656, within)
	near(t, "intra with the diagonal", (whole.Intra*6+3)/9, .664117, within)
	suffix := Measure(matrixA, 3, Segments{Prefix: 2, Suffix: 1})
	near(t, "intra without the suffix", suffix.Intra, .64, within)
	near(t, "inter without the suffix", suffix.Inter, .566667, within)
	if whole.Tokens != 3 || suffix.Tokens != 2 {
		t.Errorf("%d and %d question tokens, want 3 and 2", whole.Tokens, suffix.Tokens)
	}
	near(t, "the released metric", Released(matrixA, 3, Segments{Prefix: 1, Suffix: 1}), 2.648, within)
	near(t, "the released online signal", ReleasedOnline(matrixA, 3), 11.900339/19, within)

	r := float32(math.Sqrt(.5))
	c := Measure([]float32{r, r, 1, 0, 0, 1}, 2, Segments{Prefix: 1})
	near(t, "intra of C", c.Intra, 0, within)
	near(t, "inter of C", c.Inter, .707107, within)
}

// random is a matrix of normal draws, shifted so that cosines aren't around 0.
func random(rows, cols int, which uint32) []float32 {
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(0.3 + rng.Normal(9, rng.Tasks, rng.At{A: which, B: uint32(i)}))
	}
	return x
}

// TestSumsEqualTheMatrixOfCosines: the two-vector forms against double loops.
func TestSumsEqualTheMatrixOfCosines(t *testing.T) {
	const rows, cols = 50, 16
	for which := range uint32(5) {
		x := random(rows, cols, which)
		seg := Segments{Skip: 1, Prefix: 9, Suffix: 3}
		cosine := func(i, j int) float64 {
			a, b := make([]float32, cols), make([]float32, cols)
			unit(a, x[i*cols:][:cols])
			unit(b, x[j*cols:][:cols])
			sum := 0.0
			for k := range a {
				sum += float64(a[k]) * float64(b[k])
			}
			return sum
		}
		intra, inter, pairs := 0.0, 0.0, 0.0
		for i := 9; i < rows-3; i++ {
			for j := 9; j < i; j++ {
				intra += cosine(i, j)
				pairs++
			}
			for j := 1; j < 9; j++ {
				inter += cosine(i, j)
			}
		}
		got := Measure(x, cols, seg)
		near(t, "intra", got.Intra, intra/pairs, 1e-9)
		near(t, "inter", got.Inter, inter/(38*8), 1e-9)

		masked := make([]float64, rows)
		total := 0.0
		for i := range masked {
			for j := 0; j <= min(i+1, rows-1); j++ {
				masked[i] += cosine(i, j)
			}
			total += masked[i]
		}
		near(t, "released", Released(x, cols, seg), (mean(masked, 18, 44)+8*mean(masked, 9, 18))/rows, 1e-9)
		near(t, "released online", ReleasedOnline(x, cols), total/(rows*(rows+1)/2+rows-1), 1e-7) // it takes |u|² for 1
	}
}

func TestProperties(t *testing.T) {
	const rows, cols = 20, 8
	seg := Segments{Skip: 1, Prefix: 6, Suffix: 2}
	x := random(rows, cols, 7)
	want := Measure(x, cols, seg)
	edit := func(f func(i, k int, v float32) float32) Score {
		y := make([]float32, len(x))
		for i := range rows {
			for k := range cols {
				y[i*cols+k] = f(i, k, x[i*cols+k])
			}
		}
		return Measure(y, cols, seg)
	}
	same := func(what string, got Score, sign float64) {
		near(t, what+": intra", got.Intra, want.Intra, 1e-6)
		near(t, what+": inter", got.Inter, sign*want.Inter, 1e-6)
	}
	same("rows scaled", edit(func(i, _ int, v float32) float32 { return v * float32(1+i) }), 1)
	same("axes turned", edit(func(i, k int, _ float32) float32 { return x[i*cols+(k+1)%cols] }), 1)
	same("question turned round", edit(func(i, k int, _ float32) float32 {
		if i >= 6 && i < 18 {
			return x[(23-i)*cols+k]
		}
		return x[i*cols+k]
	}), 1)
	same("question negated", edit(func(i, _ int, v float32) float32 {
		if i >= 6 {
			return -v
		}
		return v
	}), -1)
	same("the first token and the suffix changed", edit(func(i, _ int, v float32) float32 {
		if i == 0 || i >= 18 {
			return 5
		}
		return v
	}), 1)
	equal := edit(func(_, k int, _ float32) float32 { return x[k] })
	near(t, "intra of equal rows", equal.Intra, 1, 1e-6)
	near(t, "inter of equal rows", equal.Inter, 1, 1e-6)
}

func TestShortPrompts(t *testing.T) {
	x := random(6, 4, 1)
	for _, c := range []struct {
		rows   int
		seg    Segments
		tokens int
		intra  float64
	}{
		{6, Segments{Skip: 1, Prefix: 4, Suffix: 1}, 1, 1},
		{5, Segments{Skip: 1, Prefix: 4, Suffix: 1}, 0, math.NaN()},
		{1, Segments{Skip: 1}, 0, math.NaN()},
		{2, Segments{Skip: 1}, 1, 1},
	} {
		got := Measure(x[:c.rows*4], 4, c.seg)
		if got.Tokens != c.tokens || got.Intra != c.intra && !(math.IsNaN(got.Intra) && math.IsNaN(c.intra)) || math.IsNaN(got.Inter) {
			t.Errorf("%d rows, %+v: %+v", c.rows, c.seg, got)
		}
	}
	if got := Measure(make([]float32, 12), 4, Segments{}); got.Intra != 0 || got.Inter != 0 {
		t.Errorf("rows of zeros: %+v", got)
	}
	if got := Released(x, 4, Segments{Prefix: 3}); !math.IsNaN(got) {
		t.Errorf("released metric with an empty first slice is %v, want NaN", got)
	}
}

func TestSegments(t *testing.T) {
	for _, c := range []struct {
		prompts [][]int32
		want    Segments
	}{
		{[][]int32{{1, 2, 3, 4, 9, 7, 8}, {1, 2, 3, 4, 5, 6, 7, 8}}, Segments{1, 4, 2}},
		{[][]int32{{1, 2, 3, 9, 8}, {1, 2, 3, 5, 8}}, Segments{1, 0, 1}},          // a start of 3 is no prefix
		{[][]int32{{1, 2, 3, 4, 5, 5}, {1, 2, 3, 4, 5, 5, 5}}, Segments{1, 6, 0}}, // start and end don't overlap
		{[][]int32{{1}, {2, 1}}, Segments{1, 0, 1}},
		{nil, Segments{}},
	} {
		if got := SegmentsOf(c.prompts); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.prompts, got, c.want)
		}
	}
}

func ExampleMeasure() {
	x := []float32{1, 2, 2, 2, 0, 0, 0, 3, 4, 3, 0, 4, 1, 1, 0} // five tokens of three dimensions
	s := Measure(x, 3, Segments{Prefix: 2})
	fmt.Printf("%.6f %.6f %d\n", s.Intra, s.Inter, s.Tokens)
	// Output: 0.496176 0.613480 3
}
