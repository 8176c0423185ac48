package cpu

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

const (
	guardSize  = 64
	guardValue = float32(-12345.5)
)

// eachImpl runs a test under every kernel set that this machine has.
func eachImpl(t *testing.T, threads int, fn func(t *testing.T, b *Backend)) {
	for _, impl := range Impls() {
		t.Run(impl, func(t *testing.T) {
			b, err := NewWith(impl, threads)
			if err != nil {
				t.Fatal(err)
			}
			fn(t, b)
		})
	}
}

// guarded returns a buffer of n values between guards, and a check that the guards still stand.
func guarded(t *testing.T, n int, fill func(i int) float32) (compute.Buf, func()) {
	all := slices.Repeat([]float32{guardValue}, n+2*guardSize)
	f := all[guardSize : guardSize+n : guardSize+n]
	for i := range f {
		f[i] = fill(i)
	}
	return &buf{f: f}, func() {
		t.Helper()
		for i, v := range all {
			if (i < guardSize || i >= guardSize+n) && v != guardValue {
				t.Errorf("element %d of a buffer of %d was written: %v", i-guardSize, n, v)
			}
		}
	}
}

func normal(r *rand.Rand) func(int) float32 {
	return func(int) float32 { return float32(r.NormFloat64()) }
}

// operands are random matrices for the three products, in row-major order.
type operands struct {
	rows, n, k  int
	x, dy, w, y []float32 // [R, K], [R, N], [N, K], [R, N]
	dx, dw      []float32 // [R, K], [N, K]: what the gradients add to
}

func newOperands(seed uint64, rows, n, k int) *operands {
	r := rand.New(rand.NewPCG(seed, 1))
	draw := func(n int) []float32 {
		f := make([]float32, n)
		for i := range f {
			f[i] = float32(r.NormFloat64())
		}
		return f
	}
	return &operands{rows, n, k, draw(rows * k), draw(rows * n), draw(n * k), draw(rows * n), draw(rows * k), draw(n * k)}
}

// results are the three products of a backend.
type results struct{ y, dx, dw []float32 }

func (o *operands) compute(t *testing.T, b *Backend, add bool) results {
	t.Helper()
	var checks []func()
	load := func(src []float32) compute.Buf {
		v, check := guarded(t, len(src), func(i int) float32 { return src[i] })
		checks = append(checks, check)
		return v
	}
	weight := func(src []float32) compute.Weight {
		w := compute.Weight{N: o.n, K: o.k, Data: load(make([]float32, panels(o.n)*panel*o.k))}
		b.UploadWeight(w, src)
		return w
	}
	x, dy, y, dx, w, dw := load(o.x), load(o.dy), load(o.y), load(o.dx), weight(o.w), weight(o.dw)
	b.MatMul(y, x, w, o.rows, add)
	b.MatMulGradX(dx, dy, w, o.rows, add)
	b.MatMulGradW(dw, dy, x, []int{o.rows})
	for _, check := range checks {
		check()
	}
	checkPadding(t, dw)
	out := results{f32(y), f32(dx), make([]float32, o.n*o.k)}
	b.DownloadWeight(out.dw, dw)
	return out
}

func checkPadding(t *testing.T, w compute.Weight) {
	t.Helper()
	for n := w.N; n < panels(w.N)*panel; n++ {
		for k := range w.K {
			if v := f32(w.Data)[weightIndex(n, k, w.K)]; v != 0 {
				t.Fatalf("padding of weight gradient [%d, %d] is %v, want 0", n, k, v)
			}
		}
	}
}

// reference computes the products in float64, and for each element Σ|terms|, the scale of its rounding error.
func (o *operands) reference(add bool) (want, scale [3][]float64) {
	chain := func(start float32, terms int, term func(int) (float32, float32)) (float64, float64) {
		s, a := float64(start), math.Abs(float64(start))
		for i := range terms {
			p, q := term(i)
			s += float64(p) * float64(q)
			a += math.Abs(float64(p) * float64(q))
		}
		return s, a
	}
	put := func(i int, s, a float64) {
		want[i], scale[i] = append(want[i], s), append(scale[i], a)
	}
	start := func(v float32) float32 {
		if add {
			return v
		}
		return 0
	}
	for r := range o.rows {
		for n := range o.n {
			s, a := chain(start(o.y[r*o.n+n]), o.k, func(k int) (float32, float32) { return o.x[r*o.k+k], o.w[n*o.k+k] })
			put(0, s, a)
		}
		for k := range o.k {
			s, a := chain(start(o.dx[r*o.k+k]), o.n, func(n int) (float32, float32) { return o.dy[r*o.n+n], o.w[n*o.k+k] })
			put(1, s, a)
		}
	}
	for n := range o.n {
		for k := range o.k {
			s, a := chain(o.dw[n*o.k+k], o.rows, func(r int) (float32, float32) { return o.dy[r*o.n+n], o.x[r*o.k+k] })
			put(2, s, a)
		}
	}
	return want, scale
}

func (r results) each(fn func(i int, what string, got []float32)) {
	fn(0, "y", r.y)
	fn(1, "dx", r.dx)
	fn(2, "dW", r.dw)
}
