package bench

import (
	"math"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

func TestCheckPassesOnEverySet(t *testing.T) {
	for _, bf16 := range []bool{false, true} {
		checkEverySet(t, bf16)
	}
	if _, err := Check("sse9", false, 1); err == nil {
		t.Error("no error for a kernel set that is not there")
	}
}

func checkEverySet(t *testing.T, bf16 bool) {
	t.Helper()
	for _, impl := range cpu.Impls() {
		results, err := Check(impl, bf16, 2)
		if err != nil {
			t.Fatal(err)
		}
		exact := 0
		for _, r := range results {
			if !r.OK() {
				t.Errorf("%s, bf16 %t: %s: differs by %g, want at most %g", r.Kernels, bf16, r.Work, r.Diff, r.Bound)
			}
			if r.Diff == 0 {
				exact++
			}
		}
		if impl == "portable" && exact != len(results) {
			t.Errorf("portable against itself: %d of %d are equal", exact, len(results))
		}
	}
}

// A kernel that is wrong in one element, or gives NaN, is found.
func TestDifferenceFindsOneElement(t *testing.T) {
	want := [][]float32{{1, 2, 3}, {0.001, 0.002}}
	for _, c := range []struct {
		got  [][]float32
		want float64
	}{
		{[][]float32{{1, 2, 3}, {0.001, 0.002}}, 0},
		{[][]float32{{1, 2, 3}, {0.001, 0.003}}, 0.5},
		{[][]float32{{1, 5, 3}, {0.001, 0.002}}, 1},
	} {
		if got := difference(c.got, want); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("difference %g, want %g", got, c.want)
		}
	}
	if got := difference([][]float32{{1, float32(math.NaN()), 3}, {0, 0}}, want); (CheckResult{Diff: got, Bound: 1}).OK() {
		t.Error("NaN passes")
	}
}
