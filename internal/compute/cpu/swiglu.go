package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// halfBlock is how many elements of bf16 buffers are widened at a time, so that they stay in the first cache.
const halfBlock = 1024

// SwiGLU: y = gate·σ(gate)·up. Any of them may be in bf16.
func (b *Backend) SwiGLU(y, gate, up compute.Buf) {
	c := &b.calls.swiglu
	*c = swigluCall{b, *y.(*buf), *gate.(*buf), *up.(*buf)}
	mustHave("swiglu: gate", c.gate.Len(), c.y.Len())
	mustHave("swiglu: up", c.up.Len(), c.y.Len())
	b.spread(ceilDiv(c.y.Len(), compute.Lanes), elementGrain/2/compute.Lanes, c)
	*c = swigluCall{}
}

type swigluCall struct {
	b           *Backend
	y, gate, up buf
}

func (c *swigluCall) span(worker, lo, hi int) {
	lo, hi = inBlocks(c.y.Len(), lo, hi)
	k, spare := c.b.kernel, c.b.scratchFor(worker, 3*halfBlock)
	for ; lo < hi; lo += halfBlock {
		end := min(hi, lo+halfBlock)
		y := c.y.place(lo, end, spare)
		k.swiglu(y, k.opened(&c.gate, lo, end, spare[halfBlock:]), k.opened(&c.up, lo, end, spare[2*halfBlock:]))
		k.settle(&c.y, lo, y)
	}
}

func (k *kernel) swiglu(y, gate, up []float32) {
	if k.vector {
		k.swigluBlocks(y, gate, up)
		return
	}
	swigluGeneric(y, gate, up)
}

func swigluGeneric(y, gate, up []float32) {
	gate, up = gate[:len(y)], up[:len(y)]
	for i, x := range gate {
		y[i] = x / (1 + compute.Exp(-x)) * up[i]
	}
}

// SwiGLUGrad writes dup = dy·gate·σ and dgate = dy·up·σ·(1 + gate·(1-σ)). Any buffer may be in bf16.
func (b *Backend) SwiGLUGrad(dgate, dup, dy, gate, up compute.Buf) {
	c := &swigluGradCall{b, *dgate.(*buf), *dup.(*buf), *dy.(*buf), *gate.(*buf), *up.(*buf)}
	mustHave("swiglu gradient: dgate", c.dgate.Len(), c.gate.Len())
	mustHave("swiglu gradient: dup", c.dup.Len(), c.gate.Len())
	mustHave("swiglu gradient: dy", c.dy.Len(), c.gate.Len())
	mustHave("swiglu gradient: up", c.up.Len(), c.gate.Len())
	b.spread(ceilDiv(c.gate.Len(), compute.Lanes), elementGrain/2/compute.Lanes, c)
}

type swigluGradCall struct {
	b                        *Backend
	dgate, dup, dy, gate, up buf
}

func (c *swigluGradCall) span(worker, lo, hi int) {
	const n = halfBlock
	lo, hi = inBlocks(c.gate.Len(), lo, hi)
	k, spare := c.b.kernel, c.b.scratchFor(worker, 5*n)
	for ; lo < hi; lo += n {
		end := min(hi, lo+n)
		dgate, dup := c.dgate.place(lo, end, spare), c.dup.place(lo, end, spare[n:])
		dy := k.opened(&c.dy, lo, end, spare[2*n:])
		k.swigluGrad(dgate, dup, dy, k.opened(&c.gate, lo, end, spare[3*n:]), k.opened(&c.up, lo, end, spare[4*n:]))
		k.settle(&c.dgate, lo, dgate)
		k.settle(&c.dup, lo, dup)
	}
}

func (k *kernel) swigluGrad(dgate, dup, dy, gate, up []float32) {
	if k.vector {
		k.swigluGradBlocks(dgate, dup, dy, gate, up)
		return
	}
	swigluGradGeneric(dgate, dup, dy, gate, up)
}

func swigluGradGeneric(dgate, dup, dy, gate, up []float32) {
	dgate, dup, dy, up = dgate[:len(gate)], dup[:len(gate)], dy[:len(gate)], up[:len(gate)]
	for i, x := range gate {
		s := 1 / (1 + compute.Exp(-x))
		d, u := dy[i], up[i]
		dgate[i] = d * u * s * (1 + float32(x*(1-s)))
		dup[i] = d * (x * s)
	}
}
