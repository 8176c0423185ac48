package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// Add: y += x.
func (b *Backend) Add(y, x compute.Buf) {
	c := &b.calls.add
	*c = addCall{b.kernel, f32(y), f32(x)}
	mustHave("add: x", len(c.x), len(c.y))
	b.spread(ceilDiv(len(c.y), compute.Lanes), lightGrain/compute.Lanes, c)
	*c = addCall{}
}

type addCall struct {
	k    *kernel
	y, x []float32
}

func (c *addCall) span(_, lo, hi int) {
	lo, hi = inBlocks(len(c.y), lo, hi)
	c.k.add(c.y[lo:hi], c.x[lo:hi])
}

// Axpy: y += a·x.
func (b *Backend) Axpy(y compute.Buf, a float32, x compute.Buf) {
	yf, xf := f32(y), f32(x)
	mustHave("axpy: x", len(xf), len(yf))
	b.parallelBlocks(len(yf), lightGrain, func(lo, hi int) { b.kernel.axpy(yf[lo:hi], a, xf[lo:hi]) })
}

// Scale: x *= a.
func (b *Backend) Scale(x compute.Buf, a float32) {
	xf := f32(x)
	b.parallelBlocks(len(xf), lightGrain, func(lo, hi int) { b.kernel.scale(xf[lo:hi], a) })
}

// add is y += x.
func (k *kernel) add(y, x []float32) {
	if k.vector {
		addBlocks(y, x)
		return
	}
	x = x[:len(y)]
	for i, v := range x {
		y[i] += v
	}
}

// axpy is y += a·x.
func (k *kernel) axpy(y []float32, a float32, x []float32) {
	if k.vector {
		axpyBlocks(y, a, x)
		return
	}
	x = x[:len(y)]
	for i, v := range x {
		y[i] += float32(a * v)
	}
}

// scale is x *= a.
func (k *kernel) scale(x []float32, a float32) {
	if k.vector {
		scaleBlocks(x, a)
		return
	}
	for i := range x {
		x[i] *= a
	}
}
