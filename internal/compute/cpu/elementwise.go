package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// Add: y += x.
func (b *Backend) Add(y, x compute.Buf) {
	yf, xf := f32(y), f32(x)
	mustHave("add: x", len(xf), len(yf))
	b.parallel(len(yf), elementGrain, func(lo, hi int) { addTo(yf[lo:hi], xf[lo:hi]) })
}

// Axpy: y += a·x.
func (b *Backend) Axpy(y compute.Buf, a float32, x compute.Buf) {
	yf, xf := f32(y), f32(x)
	mustHave("axpy: x", len(xf), len(yf))
	b.parallel(len(yf), elementGrain, func(lo, hi int) {
		y, x := yf[lo:hi], xf[lo:hi]
		for i, v := range x {
			y[i] += float32(a * v)
		}
	})
}

// Scale: x *= a.
func (b *Backend) Scale(x compute.Buf, a float32) {
	xf := f32(x)
	b.parallel(len(xf), elementGrain, func(lo, hi int) { scale(xf[lo:hi], a) })
}

// SwiGLU: y = gate·σ(gate)·up.
func (b *Backend) SwiGLU(y, gate, up compute.Buf) {
	yf, gf, uf := f32(y), f32(gate), f32(up)
	mustHave("swiglu: gate", len(gf), len(yf))
	mustHave("swiglu: up", len(uf), len(yf))
	b.parallel(len(yf), elementGrain/8, func(lo, hi int) {
		y, g, u := yf[lo:hi], gf[lo:hi], uf[lo:hi]
		for i, x := range g {
			y[i] = x / (1 + compute.Exp(-x)) * u[i]
		}
	})
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
		for i, x := range g {
			s := 1 / (1 + compute.Exp(-x))
			d := dy[i]
			dg[i] = d * u[i] * s * (1 + float32(x*(1-s)))
			du[i] = d * (x * s)
		}
	})
}

func addTo(y, x []float32) {
	x = x[:len(y)]
	for i, v := range x {
		y[i] += v
	}
}
