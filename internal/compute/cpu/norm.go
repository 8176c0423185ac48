package cpu

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// RMSNorm: y[r,h] = g[h]·x[r,h]/sqrt(mean_h x² + eps).
func (b *Backend) RMSNorm(y, x, g compute.Buf, rows int, eps float32) {
	yf, xf, gf := f32(y), f32(x), f32(g)
	h := len(gf)
	mustHave("rmsnorm: x", len(xf), rows*h)
	mustHave("rmsnorm: y", len(yf), rows*h)
	b.parallel(rows, rowGrain(2*h), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			x, y, g := xf[r*h:][:h], yf[r*h:][:h], gf[:h]
			inv := inverseRMS(x, eps)
			for i, v := range x {
				y[i] = g[i] * (v * inv)
			}
		}
	})
}

// RMSNormGrad: with s = 1/sqrt(mean x² + eps), dx += s·g·dy - x·s³·(Σ g·dy·x)/H and dg += Σ_r dy·x·s.
//
// dx is computed by rows; dg by columns after it, so that each of its sums runs over ascending rows.
func (b *Backend) RMSNormGrad(dx, dg, dy, x, g compute.Buf, rows int, eps float32) {
	dxf, dyf, xf, gf := f32(dx), f32(dy), f32(x), f32(g)
	h := len(gf)
	mustHave("rmsnorm gradient: dx", len(dxf), rows*h)
	mustHave("rmsnorm gradient: dy", len(dyf), rows*h)
	mustHave("rmsnorm gradient: x", len(xf), rows*h)
	scratch := &b.attending[0]
	scratch.inv = b.grown(scratch.inv, rows)
	inv := scratch.inv
	b.parallel(rows, rowGrain(4*h), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			x := xf[r*h:][:h]
			inv[r] = inverseRMS(x, eps)
			normGradRow(dxf[r*h:][:h], dyf[r*h:][:h], x, gf, inv[r])
		}
	})
	if dg == nil {
		return
	}
	dgf := f32(dg)
	mustHave("rmsnorm gradient: dg", len(dgf), h)
	b.parallel(h, max(panel, rowGrain(rows)), func(lo, hi int) {
		dg := dgf[lo:hi]
		for r, s := range inv {
			x, dy := xf[r*h+lo:][:len(dg)], dyf[r*h+lo:][:len(dg)]
			for i := range dg {
				dg[i] += float32(dy[i] * (x[i] * s))
			}
		}
	})
}

func normGradRow(dx, dy, x, g []float32, s float32) {
	var sums lanes
	dx, dy, g = dx[:len(x)], dy[:len(x)], g[:len(x)]
	for i, v := range x {
		sums[i&(compute.Lanes-1)] += float32(float32(g[i]*dy[i]) * v)
	}
	c := s * s * s * sums.sum() / float32(len(x))
	for i, v := range x {
		dx[i] += float32(s*(g[i]*dy[i])) - float32(v*c)
	}
}

func inverseRMS(x []float32, eps float32) float32 {
	mean := dot(x, x) / float32(len(x))
	return 1 / float32(math.Sqrt(float64(mean+eps)))
}
