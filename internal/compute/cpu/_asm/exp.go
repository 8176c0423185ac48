package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels here do what package compute's Exp does to eight numbers at a time, with the same operations in the
// same order and without fusing, so the bits are the same.

// expTerms are Exp's polynomial, the highest power first.
var expTerms = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

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

// exp emits Exp(x).
func exp(x reg.VecVirtual) reg.VecVirtual {
	magic := constant(12582912)
	t := binary(VADDPS, binary(VMULPS, x, constant(math.Log2E)), magic)
	n := binary(VSUBPS, t, magic)
	r := binary(VSUBPS, x, binary(VMULPS, n, constant(0.693359375)))
	r = binary(VSUBPS, r, binary(VMULPS, n, constant(-2.12194440e-4)))
	p := binary(VMULPS, r, constant(expTerms[0]))
	for _, c := range expTerms[1 : len(expTerms)-1] {
		p = binary(VMULPS, binary(VADDPS, p, constant(c)), r)
	}
	p = binary(VADDPS, p, constant(expTerms[len(expTerms)-1]))
	p = binary(VMULPS, p, binary(VMULPS, r, r))
	p = binary(VADDPS, binary(VADDPS, p, r), constant(1))
	exponent := YMM()
	VPSLLD(operand.Imm(23), t, exponent)
	p = binary(VPADDD, p, exponent)

	const less, unordered, atLeast = 0x11, 0x03, 0x1d
	mask := YMM()
	VCMPPS(operand.Imm(less), constant(-87.33654), x, mask)
	VANDNPS(p, mask, p)
	VCMPPS(operand.Imm(atLeast), constant(88.72284), x, mask)
	VBLENDVPS(mask, constant(float32(math.Inf(1))), p, p)
	VCMPPS(operand.Imm(unordered), x, x, mask)
	VBLENDVPS(mask, x, p, p)
	return p
}

// loop walks the pointers over the parameter n elements, a positive multiple of step.
func loop(name string, pointers []reg.Register, step int, body func()) {
	n := Load(Param("n"), GP64())
	Label(name + "_next")
	body()
	for _, p := range pointers {
		ADDQ(operand.Imm(uint64(4*step)), p)
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

func expLanes() {
	const name = "expLanesAVX2"
	start(name, "func(x *float32, n int, sub, scale float32, sums *float32)",
		"replaces x by e^((x-sub)·scale) and adds it to sums; n is a positive multiple of 16.")
	p, sums := pointers("x"), Load(Param("sums"), GP64())
	sub, scale := broadcast("sub"), broadcast("scale")
	acc := []reg.VecVirtual{load(sums, 0), load(sums, 1)}
	loop(name, p, 16, func() {
		for i, a := range acc {
			e := exp(binary(VMULPS, binary(VSUBPS, load(p[0], i), sub), scale))
			store(e, p[0], i)
			VADDPS(e, a, a)
		}
	})
	for i, a := range acc {
		store(a, sums, i)
	}
	finish()
}

func statLanes() {
	const name = "statLanesAVX2"
	start(name, "func(x *float32, n int, sub, scale float32, e, ed, ee *float32)",
		"adds e^d, e^d·d and e^2d for d = (x-sub)·scale, clamped from below; n is a positive multiple of 16.")
	p := pointers("x")
	sub, scale, faintest := broadcast("sub"), broadcast("scale"), YMM()
	VMOVUPS(constant(-110), faintest)
	sums := pointers("e", "ed", "ee")
	var acc []reg.VecVirtual
	for _, s := range sums {
		acc = append(acc, load(s, 0), load(s, 1))
	}
	loop(name, p, 16, func() {
		for i := range 2 {
			d := binary(VMULPS, binary(VSUBPS, load(p[0], i), sub), scale)
			VMAXPS(d, faintest, d) // the second operand, d, where it is NaN
			e := exp(d)
			VADDPS(e, acc[i], acc[i])
			VADDPS(binary(VMULPS, e, d), acc[2+i], acc[2+i])
			VADDPS(binary(VMULPS, e, e), acc[4+i], acc[4+i])
		}
	})
	for i, a := range acc {
		store(a, sums[i/2], i%2)
	}
	finish()
}

func statGrad() {
	const name = "statGradAVX2"
	start(name, "func(z *float32, n int, s *float32)", "is statGrad with its scalars; n is a positive multiple of 8.")
	p := pointers("z")
	v := scalars("s", 7)
	most, scale, inv, dlogp, dentropy, log, h := v[0], v[1], v[2], v[3], v[4], v[5], v[6]
	loop(name, p, 8, func() {
		d := YMM()
		VMOVUPS(constant(-110), d)
		VMAXPS(binary(VMULPS, binary(VSUBPS, load(p[0], 0), most), scale), d, d) // the product where it is NaN
		prob := binary(VMULPS, exp(d), inv)
		slope := binary(VMULPS, dentropy, binary(VADDPS, binary(VSUBPS, d, log), h))
		slope = binary(VADDPS, dlogp, slope)
		sign := constant(float32(math.Copysign(0, -1)))
		store(binary(VMULPS, binary(VMULPS, binary(VXORPS, prob, sign), slope), scale), p[0], 0)
	})
	finish()
}

// logistic1 emits 1 + e^-x.
func logistic1(x reg.VecVirtual) reg.VecVirtual {
	sign := constant(float32(math.Copysign(0, -1)))
	return binary(VADDPS, exp(binary(VXORPS, x, sign)), constant(1))
}

func swiglu() {
	const name = "swigluAVX2"
	start(name, "func(y, gate, up *float32, n int)", "is gate/(1+e^-gate)·up; n is a positive multiple of 8.")
	p := pointers("y", "gate", "up")
	loop(name, p, 8, func() {
		g := load(p[1], 0)
		silu := binary(VDIVPS, g, logistic1(g))
		store(binary(VMULPS, silu, load(p[2], 0)), p[0], 0)
	})
	finish()
}

func swigluGrad() {
	const name = "swigluGradAVX2"
	start(name, "func(dgate, dup, dy, gate, up *float32, n int)", "is swigluGradGeneric; n is a positive multiple of 8.")
	p := pointers("dgate", "dup", "dy", "gate", "up")
	loop(name, p, 8, func() {
		g := load(p[3], 0)
		one := YMM()
		VMOVUPS(constant(1), one)
		s := binary(VDIVPS, one, logistic1(g))
		d := load(p[2], 0)
		slope := binary(VADDPS, one, binary(VMULPS, g, binary(VSUBPS, one, s)))
		dg := binary(VMULPS, binary(VMULPS, binary(VMULPS, d, load(p[4], 0)), s), slope)
		du := binary(VMULPS, d, binary(VMULPS, g, s))
		store(dg, p[0], 0)
		store(du, p[1], 0)
	})
	finish()
}
