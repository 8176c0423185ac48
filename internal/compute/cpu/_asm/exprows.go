package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// faintest is that of head.go.
const faintest = -110

// minusZero flips signs.
var minusZero = float32(math.Copysign(0, -1))

func (w *width) expLanes() {
	name := w.open("expLanes", "func(x *float32, n int, sub, scale float32, sums *float32)",
		"replaces x by e^((x-sub)·scale) and adds it to sums")
	p, sums := pointers("x"), Load(Param("sums"), GP64())
	sub, scale := w.broadcast("sub"), w.broadcast("scale")
	acc := w.loadAll(sums)
	loop(name, p, 16, func() {
		for i, a := range acc {
			e := w.exp(w.do(VMULPS, w.do(VSUBPS, w.load(p[0], i), sub), scale))
			w.store(e, p[0], i)
			VADDPS(e, a, a)
		}
	})
	for i, a := range acc {
		w.store(a, sums, i)
	}
	finish()
}

func (w *width) statLanes() {
	name := w.open("statLanes", "func(x *float32, n int, sub, scale float32, e, ed, ee *float32)",
		"adds e^d, e^d·d and e^2d for d = (x-sub)·scale, clamped from below", faintest)
	p := pointers("x")
	sub, scale := w.broadcast("sub"), w.broadcast("scale")
	sums := pointers("e", "ed", "ee")
	var acc [3][]reg.VecVirtual
	for i, s := range sums {
		acc[i] = w.loadAll(s)
	}
	loop(name, p, 16, func() {
		for i := range w.parts() {
			d := w.clamped(w.do(VMULPS, w.do(VSUBPS, w.load(p[0], i), sub), scale))
			e := w.exp(d)
			VADDPS(e, acc[0][i], acc[0][i])
			VADDPS(w.do(VMULPS, e, d), acc[1][i], acc[1][i])
			VADDPS(w.do(VMULPS, e, e), acc[2][i], acc[2][i])
		}
	})
	for i, s := range sums {
		for j, a := range acc[i] {
			w.store(a, s, j)
		}
	}
	finish()
}

// clamped emits clampFaint.
func (w *width) clamped(d reg.VecVirtual) reg.VecVirtual {
	v := w.vec()
	VMOVUPS(w.constant(faintest), v)
	VMAXPS(d, v, v) // the second operand, d, where it is NaN
	return v
}

func (w *width) statGrad() {
	name := w.open("statGrad", "func(z *float32, n int, s *float32)", "is statGrad with its scalars", faintest, minusZero)
	p, s := pointers("z"), Load(Param("s"), GP64())
	var v [7]reg.VecVirtual
	for i := range v {
		v[i] = w.vec()
		VBROADCASTSS(operand.Mem{Base: s, Disp: 4 * i}, v[i])
	}
	most, scale, inv, dlogp, dentropy, log, h := v[0], v[1], v[2], v[3], v[4], v[5], v[6]
	loop(name, p, 16, func() {
		for i := range w.parts() {
			d := w.clamped(w.do(VMULPS, w.do(VSUBPS, w.load(p[0], i), most), scale))
			prob := w.do(VMULPS, w.exp(d), inv)
			slope := w.do(VMULPS, dentropy, w.do(VADDPS, w.do(VSUBPS, d, log), h))
			slope = w.do(VADDPS, dlogp, slope)
			w.store(w.do(VMULPS, w.do(VMULPS, w.minus(prob), slope), scale), p[0], i)
		}
	})
	finish()
}

// logistic1 emits 1 + e^-x.
func (w *width) logistic1(x reg.VecVirtual) reg.VecVirtual {
	return w.do(VADDPS, w.exp(w.minus(x)), w.constant(1))
}

func (w *width) swiglu() {
	name := w.open("swiglu", "func(y, gate, up *float32, n int)", "is gate/(1+e^-gate)·up", minusZero)
	p := pointers("y", "gate", "up")
	loop(name, p, 16, func() {
		for i := range w.parts() {
			g := w.load(p[1], i)
			silu := w.do(VDIVPS, g, w.logistic1(g))
			w.store(w.do(VMULPS, silu, w.load(p[2], i)), p[0], i)
		}
	})
	finish()
}

func (w *width) swigluGrad() {
	name := w.open("swigluGrad", "func(dgate, dup, dy, gate, up *float32, n int)", "is swigluGradGeneric", minusZero)
	p := pointers("dgate", "dup", "dy", "gate", "up")
	loop(name, p, 16, func() {
		for i := range w.parts() {
			g, one := w.load(p[3], i), w.vec()
			VMOVUPS(w.constant(1), one)
			s := w.do(VDIVPS, one, w.logistic1(g))
			d := w.load(p[2], i)
			slope := w.do(VADDPS, one, w.do(VMULPS, g, w.do(VSUBPS, one, s)))
			dg := w.do(VMULPS, w.do(VMULPS, w.do(VMULPS, d, w.load(p[4], i)), s), slope)
			du := w.do(VMULPS, d, w.do(VMULPS, g, s))
			w.store(dg, p[0], i)
			w.store(du, p[1], i)
		}
	})
	finish()
}
