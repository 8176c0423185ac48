package cpu

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// RMSNorm: y[r,h] = g[h]·x[r,h]/sqrt(mean_h x² + eps). y may be in bf16.
func (b *Backend) RMSNorm(y, x, g compute.Buf, rows int, eps float32) {
	c := &b.calls.norm
	*c = normCall{b: b, y: *y.(*buf), x: f32(x), g: f32(g), eps: eps}
	h := len(c.g)
	mustHave("rmsnorm: x", len(c.x), rows*h)
	mustHave("rmsnorm: y", c.y.Len(), rows*h)
	b.spread(rows, rowGrain(h), c)
	*c = normCall{}
}

type normCall struct {
	b    *Backend
	y    buf
	x, g []float32
	eps  float32
}

func (c *normCall) span(worker, lo, hi int) {
	k, h := c.b.kernel, len(c.g)
	var spare []float32
	if c.y.h != nil {
		spare = c.b.scratchFor(worker, h)
	}
	for r := lo; r < hi; r++ {
		x := c.x[r*h:][:h]
		y := c.y.place(r*h, (r+1)*h, spare)
		k.normScale(y, x, c.g, k.inverseRMS(x, c.eps))
		k.settle(&c.y, r*h, y)
	}
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
			inv[r] = b.kernel.inverseRMS(x, eps)
			b.kernel.normGradRow(dxf[r*h:][:h], dyf[r*h:][:h], x, gf, inv[r])
		}
	})
	if dg == nil {
		return
	}
	dgf := f32(dg)
	mustHave("rmsnorm gradient: dg", len(dgf), h)
	// One piece a thread: short pieces of rows are slow to read.
	b.parallelBlocks(h, max(ceilDiv(h, b.threads), rowGrain(rows)), func(lo, hi int) {
		for r, s := range inv {
			b.kernel.gainGrad(dgf[lo:hi], dyf[r*h+lo:][:hi-lo], xf[r*h+lo:][:hi-lo], s)
		}
	})
}

func (k *kernel) normGradRow(dx, dy, x, g []float32, s float32) {
	c := s * s * s * k.normDot(g, dy, x) / float32(len(x))
	k.normGrad(dx, dy, x, g, s, c)
}

func (k *kernel) inverseRMS(x []float32, eps float32) float32 {
	mean := k.dot(x, x) / float32(len(x))
	return 1 / float32(math.Sqrt(float64(mean+eps)))
}

// normScale is y = g·(x·s).
func (k *kernel) normScale(y, x, g []float32, s float32) {
	if k.vector {
		normScaleBlocks(y, x, g, s)
		return
	}
	x, g = x[:len(y)], g[:len(y)]
	for i, v := range x {
		y[i] = g[i] * (v * s)
	}
}

// normDot is Σ (g·dy)·x.
func (k *kernel) normDot(g, dy, x []float32) float32 {
	var sums lanes
	if k.vector {
		normDotBlocks(g, dy, x, &sums)
		return sums.sum()
	}
	g, dy = g[:len(x)], dy[:len(x)]
	for i, v := range x {
		sums[i&(compute.Lanes-1)] += float32(float32(g[i]*dy[i]) * v)
	}
	return sums.sum()
}

// normGrad is dx += s·(g·dy) - x·c.
func (k *kernel) normGrad(dx, dy, x, g []float32, s, c float32) {
	if k.vector {
		normGradBlocks(dx, dy, x, g, s, c)
		return
	}
	dx, dy, g = dx[:len(x)], dy[:len(x)], g[:len(x)]
	for i, v := range x {
		dx[i] += float32(s*(g[i]*dy[i])) - float32(v*c)
	}
}

// gainGrad is dg += dy·(x·s).
func (k *kernel) gainGrad(dg, dy, x []float32, s float32) {
	if k.vector {
		gainGradBlocks(dg, dy, x, s)
		return
	}
	dy, x = dy[:len(dg)], x[:len(dg)]
	for i := range dg {
		dg[i] += float32(dy[i] * (x[i] * s))
	}
}
