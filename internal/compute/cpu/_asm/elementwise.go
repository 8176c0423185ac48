package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

func add() {
	const name = "addAVX2"
	start(name, "func(y, x *float32, n int)", "is y += x; n is a positive multiple of 16.")
	p := pointers("y", "x")
	loop(name, p, 16, func() {
		for i := range 2 {
			store(binary(VADDPS, load(p[0], i), load(p[1], i)), p[0], i)
		}
	})
	finish()
}

func axpy() {
	const name = "axpyAVX2"
	start(name, "func(y, x *float32, a float32, n int)", "is y += a·x; n is a positive multiple of 16.")
	p, a := pointers("y", "x"), broadcast("a")
	loop(name, p, 16, func() {
		for i := range 2 {
			store(binary(VADDPS, load(p[0], i), binary(VMULPS, a, load(p[1], i))), p[0], i)
		}
	})
	finish()
}

func scoreGrad() {
	const name = "scoreGradAVX2"
	start(name, "func(dp, e *float32, n int, inv, mean float32)",
		"turns e into p = e·inv and dp into p·(dp - mean); n is a positive multiple of 16.")
	p, inv, mean := pointers("dp", "e"), broadcast("inv"), broadcast("mean")
	loop(name, p, 16, func() {
		for i := range 2 {
			prob := binary(VMULPS, load(p[1], i), inv)
			store(prob, p[1], i)
			store(binary(VMULPS, prob, binary(VSUBPS, load(p[0], i), mean)), p[0], i)
		}
	})
	finish()
}

func scale() {
	const name = "scaleAVX2"
	start(name, "func(x *float32, a float32, n int)", "is x *= a; n is a positive multiple of 16.")
	p, a := pointers("x"), broadcast("a")
	loop(name, p, 16, func() {
		for i := range 2 {
			store(binary(VMULPS, load(p[0], i), a), p[0], i)
		}
	})
	finish()
}

// turn walks over the heads of a row; cos and sin are the same for each.
func turn() {
	const name = "turnAVX2"
	start(name, "func(x, cos, sin *float32, flip float32, half, heads int)",
		"turns the pairs (i, i+half) of each head; flip is 0, or -0 to turn back; half is a positive multiple of 8.")
	p, flip := pointers("x", "cos", "sin"), broadcast("flip")
	half, heads := Load(Param("half"), GP64()), Load(Param("heads"), GP64())
	SHLQ(operand.Imm(2), half)
	second, at := GP64(), GP64()
	LEAQ(operand.Mem{Base: p[0], Index: half, Scale: 1}, second)
	Label(name + "_head")
	XORQ(at, at)
	Label(name + "_next")
	a, b := operand.Mem{Base: p[0], Index: at, Scale: 1}, operand.Mem{Base: second, Index: at, Scale: 1}
	x, y, cos, sin := YMM(), YMM(), YMM(), YMM()
	VMOVUPS(a, x)
	VMOVUPS(b, y)
	VMOVUPS(operand.Mem{Base: p[1], Index: at, Scale: 1}, cos)
	VXORPS(operand.Mem{Base: p[2], Index: at, Scale: 1}, flip, sin)
	VMOVUPS(binary(VSUBPS, binary(VMULPS, x, cos), binary(VMULPS, y, sin)), a)
	VMOVUPS(binary(VADDPS, binary(VMULPS, y, cos), binary(VMULPS, x, sin)), b)
	ADDQ(operand.Imm(32), at)
	CMPQ(at, half)
	JB(operand.LabelRef(name + "_next"))
	LEAQ(operand.Mem{Base: p[0], Index: half, Scale: 2}, p[0])
	LEAQ(operand.Mem{Base: second, Index: half, Scale: 2}, second)
	DECQ(heads)
	JNZ(operand.LabelRef(name + "_head"))
	finish()
}
