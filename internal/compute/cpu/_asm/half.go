package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// integers is a vector of eight equal integers in memory.
func integers(bits uint32) operand.Mem { return constant(math.Float32frombits(bits)) }

// widen is dst = src, bf16 to float32.
func widen() {
	const name = "widenAVX2"
	start(name, "func(dst *float32, src *uint16, n int)", "is widenHalf; n is a positive multiple of 16.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	each16(name, func() {
		for i := range 2 {
			v := YMM()
			VPMOVZXWD(operand.Mem{Base: src, Disp: 16 * i}, v)
			VPSLLD(operand.Imm(16), v, v)
			store(v, dst, i)
		}
		ADDQ(operand.Imm(64), dst)
		ADDQ(operand.Imm(32), src)
	})
}

// halve is dst = src, float32 to bf16.
func halve() {
	const name = "halveAVX2"
	start(name, "func(dst *uint16, src *float32, n int)", "is halfOf; n is a positive multiple of 16.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	each16(name, func() {
		low, high := rounded(load(src, 0)), rounded(load(src, 1))
		packed := binary(VPACKUSDW, low, high) // in quarters 0 2 1 3
		VPERMQ(operand.Imm(0xd8), packed, packed)
		VMOVDQU(packed, operand.Mem{Base: dst})
		ADDQ(operand.Imm(32), dst)
		ADDQ(operand.Imm(64), src)
	})
}

// rounded emits halfOf in the low halves of eight integers.
func rounded(x reg.VecVirtual) reg.VecVirtual {
	cut := YMM()
	VPSRLD(operand.Imm(16), x, cut)
	odd := binary(VANDPS, cut, integers(1))
	r := binary(VPADDD, binary(VPADDD, x, integers(0x7fff)), odd)
	VPSRLD(operand.Imm(16), r, r)
	quiet := binary(VORPS, cut, integers(0x40))
	mask := YMM()
	VCMPPS(operand.Imm(unordered), x, x, mask)
	VBLENDVPS(mask, quiet, r, r)
	return r
}

// each16 repeats the body, which moves its own pointers, for the parameter n elements, and ends the kernel.
func each16(name string, body func()) {
	n := Load(Param("n"), GP64())
	Label(name + "_next")
	body()
	SUBQ(operand.Imm(16), n)
	JNZ(operand.LabelRef(name + "_next"))
	finish()
}
