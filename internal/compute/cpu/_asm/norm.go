package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// The kernels here and in elementwise.go and optim.go are bound by memory: 512-bit registers wouldn't make them faster.

func dotLanes() {
	const name = "dotLanesAVX2"
	start(name, "func(a, b *float32, n int, sums *float32)", "adds a[i]·b[i] to lane i mod 16 of sums; n is a positive multiple of 16.")
	p, sums := pointers("a", "b"), Load(Param("sums"), GP64())
	s0, s1 := load(sums, 0), load(sums, 1)
	loop(name, p, 16, func() {
		VADDPS(binary(VMULPS, load(p[0], 0), operand.Mem{Base: p[1]}), s0, s0)
		VADDPS(binary(VMULPS, load(p[0], 1), operand.Mem{Base: p[1], Disp: 32}), s1, s1)
	})
	store(s0, sums, 0)
	store(s1, sums, 1)
	finish()
}

// dotWhole is a dot product from first to last: the lanes of dotLanes, and the tree that adds them up.
func dotWhole() {
	const name = "dotWholeAVX2"
	start(name, "func(a, b *float32, n int) float32", "is the sum of a[i]·b[i] in 16 lanes, added up in the tree of lanes.sum; n is a positive multiple of 16.")
	p := pointers("a", "b")
	s0, s1 := YMM(), YMM()
	VXORPS(s0, s0, s0)
	VXORPS(s1, s1, s1)
	loop(name, p, 16, func() {
		VADDPS(binary(VMULPS, load(p[0], 0), operand.Mem{Base: p[1]}), s0, s0)
		VADDPS(binary(VMULPS, load(p[0], 1), operand.Mem{Base: p[1], Disp: 32}), s1, s1)
	})
	VADDPS(s1, s0, s0)
	high, s := XMM(), s0.AsX()
	VEXTRACTF128(operand.Imm(1), s0, high)
	VADDPS(high, s, s)
	VMOVHLPS(s, s, high)
	VADDPS(high, s, s)
	VMOVSHDUP(s, high)
	VADDSS(high, s, s)
	Store(s, ReturnIndex(0))
	finish()
}

func normDotLanes() {
	const name = "normDotLanesAVX2"
	start(name, "func(gain, dy, x *float32, n int, sums *float32)", "adds (gain[i]·dy[i])·x[i] to lane i mod 16 of sums; n is a positive multiple of 16.")
	p, sums := pointers("gain", "dy", "x"), Load(Param("sums"), GP64())
	s0, s1 := load(sums, 0), load(sums, 1)
	loop(name, p, 16, func() {
		VADDPS(binary(VMULPS, binary(VMULPS, load(p[0], 0), load(p[1], 0)), load(p[2], 0)), s0, s0)
		VADDPS(binary(VMULPS, binary(VMULPS, load(p[0], 1), load(p[1], 1)), load(p[2], 1)), s1, s1)
	})
	store(s0, sums, 0)
	store(s1, sums, 1)
	finish()
}

func normScale() {
	const name = "normScaleAVX2"
	start(name, "func(y, x, gain *float32, s float32, n int)", "is y = gain·(x·s); n is a positive multiple of 16.")
	p, s := pointers("y", "x", "gain"), broadcast("s")
	loop(name, p, 16, func() {
		for i := range 2 {
			store(binary(VMULPS, load(p[2], i), binary(VMULPS, load(p[1], i), s)), p[0], i)
		}
	})
	finish()
}

func normGrad() {
	const name = "normGradAVX2"
	start(name, "func(dx, dy, x, gain *float32, s, c float32, n int)", "is dx += s·(gain·dy) - x·c; n is a positive multiple of 16.")
	p, s, c := pointers("dx", "dy", "x", "gain"), broadcast("s"), broadcast("c")
	loop(name, p, 16, func() {
		for i := range 2 {
			direct := binary(VMULPS, s, binary(VMULPS, load(p[3], i), load(p[1], i)))
			change := binary(VSUBPS, direct, binary(VMULPS, load(p[2], i), c))
			store(binary(VADDPS, load(p[0], i), change), p[0], i)
		}
	})
	finish()
}

func gainGrad() {
	const name = "gainGradAVX2"
	start(name, "func(dg, dy, x *float32, s float32, n int)", "is dg += dy·(x·s); n is a positive multiple of 16.")
	p, s := pointers("dg", "dy", "x"), broadcast("s")
	loop(name, p, 16, func() {
		for i := range 2 {
			change := binary(VMULPS, load(p[1], i), binary(VMULPS, load(p[2], i), s))
			store(binary(VADDPS, load(p[0], i), change), p[0], i)
		}
	})
	finish()
}
