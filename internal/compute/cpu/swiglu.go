package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// SwiGLU: y = gate·σ(gate)·up.
func (b *Backend) SwiGLU(y, gate, up compute.Buf) {
	yf, gf, uf := f32(y), f32(gate), f32(up)
	mustHave("swiglu: gate", len(gf), len(yf))
	mustHave("swiglu: up", len(uf), len(yf))
	b.parallel(len(yf), elementGrain/8, func(lo, hi int) {
		y, g, u := yf[lo:hi], gf[lo:hi], uf[lo:hi]
		b.kernel.swiglu(y, g, u)
	})
}

func (k *kernel) swiglu(y, gate, up []float32) {
	if k.vector {
		done := swigluBlocks(y, gate, up)
		y, gate, up = y[done:], gate[done:], up[done:]
	}
	swigluGeneric(y, gate, up)
}

func swigluGeneric(y, gate, up []float32) {
	gate, up = gate[:len(y)], up[:len(y)]
	for i, x := range gate {
		y[i] = x / (1 + compute.Exp(-x)) * up[i]
	}
}

// SwiGLUGrad writes dup = dy·gate·σ and dgate = dy·up·σ·(1 + gate·(1-σ)).
func (b *Backend) SwiGLUGrad(dgate, dup, dy, gate, up compute.Buf) {
	dgf, duf, dyf, gf, uf := f32(dgate), f32(dup), f32(dy), f32(gate), f32(up)
	mustHave("swiglu gradient: dgate", len(dgf), len(gf))
	mustHave("swiglu gradient: dup", len(duf), len(gf))
	mustHave("swiglu gradient: dy", len(dyf), len(gf))
	mustHave("swiglu gradient: up", len(uf), len(gf))
	b.parallel(len(gf), elementGrain/8, func(lo, hi int) {
		dg, du, dy, g, u := dgf[lo:hi], duf[lo:hi], dyf[lo:hi], gf[lo:hi], uf[lo:hi]
		b.kernel.swigluGrad(dg, du, dy, g, u)
	})
}

func (k *kernel) swigluGrad(dgate, dup, dy, gate, up []float32) {
	if k.vector {
		done := swigluGradBlocks(dgate, dup, dy, gate, up)
		dgate, dup, dy, gate, up = dgate[done:], dup[done:], dy[done:], gate[done:], up[done:]
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
