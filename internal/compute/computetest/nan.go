package computetest

import (
	"fmt"
	"math"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

func nans(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = nan
	}
	return x
}

// nanComesThrough puts one NaN or infinity in and wants to see it in what depends on it, and nowhere else.
func nanComesThrough(t *testing.T, b compute.Backend) {
	e := &env{t: t, b: b}
	defer e.close()
	nanInRows(e)
	nanInAttention(e)
	nanInStats(e)
	nanInSums(e)
}

// wantNaN checks every element of a row-major result: NaN in the rows that say so, finite elsewhere.
func (e *env) wantNaN(what string, x []float32, width int, bad func(row int) bool) {
	e.t.Helper()
	for i, v := range x {
		isNaN, want := v != v, bad(i/width)
		if isNaN != want {
			e.t.Errorf("%s: row %d column %d is %g, want NaN %t", what, i/width, i%width, v, want)
			return
		}
	}
}

func nanInRows(e *env) {
	const rows, n, k, at = 9, 20, 37, 4
	x := normal(1, rows*k)
	x[at*k+k-1] = nan
	only := func(r int) bool { return r == at }
	y := e.zeros(rows * n)
	e.b.MatMul(y, e.buf(x), e.weight(n, k, normal(2, n*k)), rows, false)
	e.wantNaN("matmul", e.read(y), n, only)
	z := e.zeros(rows * k)
	e.b.RMSNorm(z, e.buf(x), e.buf(normal(3, k)), rows, 1e-5)
	e.wantNaN("rmsnorm", e.read(z), k, only)
	dx := e.zeros(rows * k)
	e.b.RMSNormGrad(dx, nil, e.buf(x), e.buf(normal(4, rows*k)), e.buf(normal(3, k)), rows, 1e-5)
	e.wantNaN("rmsnorm gradient", e.read(dx), k, only)
	a := e.zeros(rows * k)
	e.b.SwiGLU(a, e.buf(x), e.buf(normal(5, rows*k)))
	e.wantNaN("swiglu", e.read(a), 1, func(i int) bool { return i == at*k+k-1 })
}

func nanInAttention(e *env) {
	h := compute.Heads{Q: 2, KV: 1, D: 16}
	l := layout{"", []compute.Segment{seg(0, 20), after(0, 20, 20, 30), after(0, 20, 50, 3)}}
	width := h.Q * h.D
	in := drawTokens(1, l.rows(), h)
	in.q[7*width], in.q[7*width+h.D] = nan, nan
	e.wantNaN("attention, q", attention(e, in, l.segs, h), width, func(r int) bool { return r == 7 })

	g := grads(e, in, h, normal(9, len(in.q)), l.segs)
	e.wantNaN("attention gradient, q: dq", g[1], width, func(r int) bool { return r == 7 })
	e.wantNaN("attention gradient, q: dk", g[2][:8*h.D], h.D, func(int) bool { return true }) // the rest of the page may be 0·NaN
	e.wantNaN("attention gradient, q: dk", g[2][compute.Page*h.D:], h.D, func(int) bool { return false })
	e.wantNaN("attention gradient, q: dv", g[3], h.D, func(r int) bool { return r <= 7 })

	in = drawTokens(1, l.rows(), h)
	in.k[37*h.D+3] = nan
	e.wantNaN("attention, k", attention(e, in, l.segs, h), width, func(r int) bool { return r >= 37 && r < 50 })
	e.wantNaN("cache attention, k", fromCache(e, in, l, h), width, func(r int) bool { return r >= 37 && r < 50 })

	in = drawTokens(1, l.rows(), h)
	for d := range h.D {
		in.v[48*h.D+d] = nan // position 48, the first of its page: the rows before it never touch that page
	}
	e.wantNaN("attention, v", attention(e, in, []compute.Segment{seg(0, 53)}, h), width, func(r int) bool { return r >= 48 })
}

func nanInStats(e *env) {
	const rows, v, at = 4, 35, 2
	target := []int32{1, 2, 3, 4}
	for _, bad := range []float32{nan, inf} {
		x := normal(1, rows*v)
		x[at*v+v-1] = bad
		what := fmt.Sprintf("token stats with %g: ", bad)
		s := e.b.TokenStats(e.buf(x), v, 1, target)
		only := func(r int) bool { return r == at }
		e.wantNaN(what+"logp", s.LogP, 1, only)
		e.wantNaN(what+"entropy", s.Entropy, 1, only)
		e.wantNaN(what+"sum p2", s.SumP2, 1, only)
		ids, logp := make([]int32, rows), make([]float32, rows)
		for _, temperature := range []float32{0, 1} {
			e.b.Sample(ids, logp, e.buf(x), v, temperature, []float64{0.1, 0.5, 0.9, 0.99})
			e.wantNaN(what+"logp of a sampled token", logp, 1, only)
		}
		for _, dentropy := range [][]float32{nil, normal(3, rows)} {
			g := e.buf(x)
			e.b.TokenStatsGrad(g, v, 1, target, normal(2, rows), dentropy)
			e.wantNaN(what+"gradient", e.read(g), v, only)
		}
	}
	x := normal(1, rows*v)
	x[at*v+9] = -inf // a logit that was masked out is no error
	s := e.b.TokenStats(e.buf(x), v, 1, target)
	never := func(int) bool { return false }
	e.wantNaN("masked logit: logp", s.LogP, 1, never)
	e.wantNaN("masked logit: entropy", s.Entropy, 1, never)
	g := e.buf(x)
	e.b.TokenStatsGrad(g, v, 1, target, normal(2, rows), normal(3, rows))
	e.wantNaN("masked logit: gradient", e.read(g), v, never)
}

func nanInSums(e *env) {
	const n = 100003
	for _, at := range []int{0, 17, n - 1} {
		for _, bad := range []float32{nan, inf, -inf} {
			x := normal(1, n)
			x[at] = bad
			if e.b.AllFinite(e.buf(x)) {
				e.t.Errorf("all finite: true with %g at %d of %d", bad, at, n)
			}
			if s := e.b.SumSquares(e.buf(x)); !math.IsNaN(s) && !math.IsInf(s, 1) {
				e.t.Errorf("sum of squares: %g with %g at %d of %d", s, bad, at, n)
			}
		}
	}
	if !e.b.AllFinite(e.buf([]float32{0, -math.MaxFloat32, math.SmallestNonzeroFloat32})) {
		e.t.Error("all finite: false for finite numbers")
	}
	if !e.b.AllFinite(e.zeros(0)) || e.b.SumSquares(e.zeros(0)) != 0 || e.b.SumAbs(e.zeros(0)) != 0 {
		e.t.Error("an empty buffer isn't finite with sum 0")
	}
}
