package cpu

import (
	"fmt"
	"math"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// edges are arguments around every branch of the exponential, repeated over many lengths by row.
var edges = []float32{
	0, 1, -1, 0.3, -0.7, 1e-30, -1e-30, 33.3, -80.1, 87.9, 88.7, 88.72283, 88.72284, 88.8, 200, -87.3, -87.33654,
	-87.33655, -88, -103, -110, -111, -1e30, 3e38, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	math.SmallestNonzeroFloat32, -12.34567, 5.4321, -0.001, 44,
}

func row(n, from int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = edges[(i*5+from)%len(edges)]
	}
	return x
}

// finite is a row without the edges that make sums NaN.
func finite(n, from int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32((i*37+from)%1009)/100 - 7
	}
	return x
}

var lengths = []int{0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 100, 4095, 4096, 4097, 9000}

// TestVectorKernels compares every row kernel of every set with the portable loop, bit by bit, NaN with NaN.
func TestVectorKernels(t *testing.T) {
	for _, k := range kernels() {
		for _, n := range lengths {
			for from, draw := range []func(n, from int) []float32{row, finite} {
				t.Run(fmt.Sprintf("%s %d %d", k.name, n, from), func(t *testing.T) {
					x, y, z := draw(n, from), draw(n, 3), draw(n, 11)
					same(t, "maximum", []float32{k.maximum(x)}, []float32{portable.maximum(x)})
					a, b := draw(n, from), draw(n, from)
					same(t, "sum of exponentials", []float32{k.expSum(a, 1.5, 0.7)}, []float32{portable.expSum(b, 1.5, 0.7)})
					same(t, "exponentials", a, b)
					s, r := k.sumRow(x, 0.7), portable.sumRow(x, 0.7)
					same(t, "row sums", []float32{float32(s.e), float32(s.ed), float32(s.ee)}, []float32{float32(r.e), float32(r.ed), float32(r.ee)})
					swigluGeneric(b, x, y)
					k.swiglu(a, x, y)
					same(t, "swiglu", a, b)
					da, db := draw(n, 1), draw(n, 1)
					k.swigluGrad(a, da, z, x, y)
					swigluGradGeneric(b, db, z, x, y)
					same(t, "swiglu dgate", a, b)
					same(t, "swiglu dup", da, db)
				})
			}
		}
	}
}

// TestVectorKernelsAreUsed fails when a fast set quietly falls back to the portable loops.
func TestVectorKernelsAreUsed(t *testing.T) {
	for _, k := range kernels()[1:] {
		if !k.vector {
			t.Errorf("%s has no row kernels of its own", k.name)
		}
	}
}

func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if got[i] != got[i] && want[i] != want[i] {
			continue
		}
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Errorf("%s: element %d is %g, want the same bits as %g", what, i, got[i], want[i])
			return
		}
	}
}

// TestExpSumIsExp ties the kernels to the exponential that sampling uses.
func TestExpSumIsExp(t *testing.T) {
	for _, k := range kernels() {
		x := row(64, 0)
		k.expSum(x, 0, 1)
		for i, v := range row(64, 0) {
			same(t, fmt.Sprintf("%s: exp(%g)", k.name, v), x[i:i+1], []float32{compute.Exp(v)})
		}
	}
}

// TestKernelsReuseTheirScratch: after the first call, a call allocates a few small things and no scratch.
func TestKernelsReuseTheirScratch(t *testing.T) {
	b := New(1)
	h := compute.Heads{Q: 4, KV: 2, D: 32}
	segs := []compute.Segment{{Start: 0, Len: 60}, {Start: 60, Len: 80, Prefix: 0, PrefixLen: 60}}
	q, k, v := filled(b, 140*h.Q*h.D), filled(b, 140*h.KV*h.D), filled(b, 140*h.KV*h.D)
	out, dq, dk, dv := b.Alloc(q.Len()), b.Alloc(q.Len()), b.Alloc(k.Len()), b.Alloc(k.Len())
	const most = 20 // two closures for each of seven parallel loops; fresh scratch would be a dozen more
	if n := testing.AllocsPerRun(20, func() {
		b.Attention(out, q, k, v, segs, h)
		b.AttentionGrad(dq, dk, dv, q, out, q, k, v, segs, h)
	}); n > most {
		t.Errorf("attention and its gradient allocate %g times a call, want at most %d", n, most)
	}
}
