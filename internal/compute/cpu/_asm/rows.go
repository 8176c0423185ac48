package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What the row kernels have in common: constants, loops, loads and stores.

var constants = map[uint32]operand.Mem{}

// constant is a vector of eight equal numbers in memory.
func constant(x float32) operand.Mem {
	bits := math.Float32bits(x)
	if m, ok := constants[bits]; ok {
		return m
	}
	m := GLOBL("f32x8_"+hex(bits), RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, operand.U32(bits))
	}
	constants[bits] = m
	return m
}

func hex(bits uint32) string {
	const digits = "0123456789abcdef"
	s := make([]byte, 8)
	for i := range s {
		s[i] = digits[bits>>(28-4*i)&15]
	}
	return string(s)
}

// binary emits dst = a op b.
func binary(op func(ops ...operand.Op), a reg.VecVirtual, b operand.Op) reg.VecVirtual {
	dst := YMM()
	op(b, a, dst)
	return dst
}

// loop walks the pointers over the parameter n elements, a positive multiple of step.
func loop(name string, pointers []reg.Register, step int, body func()) {
	n := Load(Param("n"), GP64())
	Label(name + "_next")
	body()
	for _, p := range pointers {
		ADDQ(operand.U32(4*step), p)
	}
	SUBQ(operand.Imm(uint64(step)), n)
	JNZ(operand.LabelRef(name + "_next"))
}

func pointers(names ...string) (p []reg.Register) {
	for _, name := range names {
		p = append(p, Load(Param(name), GP64()))
	}
	return p
}

func load(base reg.Register, i int) reg.VecVirtual {
	v := YMM()
	VMOVUPS(operand.Mem{Base: base, Disp: 32 * i}, v)
	return v
}

func store(v reg.VecVirtual, base reg.Register, i int) {
	VMOVUPS(v, operand.Mem{Base: base, Disp: 32 * i})
}

func broadcast(param string) reg.VecVirtual {
	x, v := XMM(), YMM()
	Load(Param(param), x)
	VBROADCASTSS(x, v)
	return v
}

// start opens a kernel that is called directly, so that its pointers need not escape.
func start(name, signature, doc string) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name + " " + doc)
}

func finish() {
	VZEROUPPER()
	RET()
}

func maxLanes() {
	const name = "maxLanesAVX2"
	start(name, "func(x *float32, n int, most *float32)", "raises lane i mod 16 of most to x[i]; n is a positive multiple of 16.")
	p, most := pointers("x"), Load(Param("most"), GP64())
	acc := []reg.VecVirtual{load(most, 0), load(most, 1)}
	loop(name, p, 16, func() {
		for i, a := range acc {
			VMAXPS(a, load(p[0], i), a) // the second operand, a, where x is NaN
		}
	})
	for i, a := range acc {
		store(a, most, i)
	}
	finish()
}
