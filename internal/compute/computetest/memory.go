package computetest

import (
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// memory checks buffers, views and the padding of weights.
func memory(t *testing.T, b compute.Backend) {
	e := &env{t: t, b: b}
	defer e.close()
	for range 2 { // the second time from buffers that were freed
		x := b.Alloc(100)
		if x.Len() != 100 {
			t.Errorf("alloc: length %d, want 100", x.Len())
		}
		sameBits(t, "alloc", e.read(x), make([]float32, 100))
		b.Upload(x, normal(1, 100))
		sameBits(t, "upload", e.read(x), normal(1, 100))
		view := b.Slice(x, 10, 30)
		sameBits(t, "slice", e.read(view), normal(1, 100)[10:30])
		b.Zero(view)
		sameBits(t, "zero of a view", e.read(x)[8:32], append(append(normal(1, 10)[8:], make([]float32, 20)...), normal(1, 32)[30:]...))
		b.Copy(view, b.Slice(x, 50, 70))
		sameBits(t, "copy", e.read(x)[10:30], normal(1, 100)[50:70])
		b.Free(x)
	}
	paddingStaysZero(e)
}

// paddingStaysZero: what lies in a weight's buffer beside its N·K numbers is 0 after every gradient, so optimizers
// and norms may run over the whole buffer.
func paddingStaysZero(e *env) {
	const rows, n, k = 6, 21, 19
	dw := e.weight(n, k, make([]float32, n*k))
	e.b.MatMulGradW(dw, e.random(1, rows*n), e.random(2, rows*k), []int{rows})
	e.b.AddRows(dw, e.random(3, 2*k), []int32{20, 4})
	sum := 0.0
	for _, v := range e.readWeight(dw) {
		sum += float64(v) * float64(v)
	}
	near(e.t, "sum of squares of a weight's buffer", []float32{float32(e.b.SumSquares(dw.Data))}, []float32{float32(sum)}, 1e-6)
	m, v, p := e.b.NewWeight(n, k), e.b.NewWeight(n, k), e.b.NewWeight(n, k)
	e.b.AdamW(p.Data, dw.Data, m.Data, v.Data, compute.AdamW{Rate: 1, Beta1: 0.9, Beta2: 0.9, Eps: 1e-8, C1: 0.1, C2: 0.1, GradScale: 1})
	sum = 0
	for _, v := range e.readWeight(p) {
		sum += float64(v) * float64(v)
	}
	near(e.t, "sum of squares after adamw", []float32{float32(e.b.SumSquares(p.Data))}, []float32{float32(sum)}, 1e-6)
}
