package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// scalars are floats that follow each other in memory, each in all places of a register.
func scalars(param string, n int) (v []reg.VecVirtual) {
	p := Load(Param(param), GP64())
	for i := range n {
		v = append(v, YMM())
		VBROADCASTSS(operand.Mem{Base: p, Disp: 4 * i}, v[i])
	}
	return v
}

// adamW rounds the root and the quotients as float32 does everywhere, so the bits are those of the portable loop.
func adamW() {
	const name = "adamWAVX2"
	start(name, "func(p, grad, m, v *float32, n int, o *float32)", "is adamW with the scalars of adamWScalars; n is a positive multiple of 8.")
	p := pointers("p", "grad", "m", "v")
	s := scalars("o", 10)
	beta1, fresh1, beta2, fresh2, decay, rate, c1, c2, eps, gradScale := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9]
	loop(name, p, 8, func() {
		grad := binary(VMULPS, load(p[1], 0), gradScale)
		m := binary(VADDPS, binary(VMULPS, beta1, load(p[2], 0)), binary(VMULPS, fresh1, grad))
		v := binary(VADDPS, binary(VMULPS, beta2, load(p[3], 0)), binary(VMULPS, fresh2, binary(VMULPS, grad, grad)))
		store(m, p[2], 0)
		store(v, p[3], 0)
		root := binary(VDIVPS, v, c2)
		VSQRTPS(root, root)
		step := binary(VMULPS, rate, binary(VDIVPS, m, c1))
		step = binary(VDIVPS, step, binary(VADDPS, root, eps))
		x := load(p[0], 0)
		x = binary(VSUBPS, x, binary(VMULPS, decay, x))
		store(binary(VSUBPS, x, step), p[0], 0)
	})
	finish()
}

func sgd() {
	const name = "sgdAVX2"
	start(name, "func(p, grad *float32, n int, o *float32)", "is sgd without momentum and with the scalars of sgdScalars; n is a positive multiple of 8.")
	p := pointers("p", "grad")
	s := scalars("o", 4)
	loop(name, p, 8, func() {
		x := load(p[0], 0)
		step := sgdStep(s, load(p[1], 0), x)
		store(binary(VSUBPS, x, binary(VMULPS, s[0], step)), p[0], 0)
	})
	finish()
}

func sgdMomentum() {
	const name = "sgdMomentumAVX2"
	start(name, "func(p, grad, m *float32, n int, o *float32)", "is sgd with the scalars of sgdScalars; n is a positive multiple of 8.")
	p := pointers("p", "grad", "m")
	s := scalars("o", 4)
	loop(name, p, 8, func() {
		x := load(p[0], 0)
		step := sgdStep(s, load(p[1], 0), x)
		step = binary(VADDPS, step, binary(VMULPS, s[1], load(p[2], 0)))
		store(step, p[2], 0)
		store(binary(VSUBPS, x, binary(VMULPS, s[0], step)), p[0], 0)
	})
	finish()
}

// sgdStep emits gscale·g + decay·p.
func sgdStep(s []reg.VecVirtual, g, p reg.VecVirtual) reg.VecVirtual {
	return binary(VADDPS, binary(VMULPS, s[3], g), binary(VMULPS, s[2], p))
}

func squareLanes() {
	const name = "squareLanesAVX2"
	start(name, "func(x, y *float32, n int, sums *float64)",
		"adds x[i]² in float64 to lane i mod 4 of sums, and y[i]² to lane 4 + i mod 4; n is a positive multiple of 16.")
	p, sums := pointers("x", "y"), Load(Param("sums"), GP64())
	acc := []reg.VecVirtual{load(sums, 0), load(sums, 1)}
	loop(name, p, 16, func() {
		for i := range 4 {
			for j, a := range acc {
				v := YMM()
				VCVTPS2PD(operand.Mem{Base: p[j], Disp: 16 * i}, v)
				VADDPD(binary(VMULPD, v, v), a, a)
			}
		}
	})
	for i, a := range acc {
		store(a, sums, i)
	}
	finish()
}

func absLanes() {
	const name = "absLanesAVX2"
	start(name, "func(x *float32, n int, sums *float64)", "adds |x[i]| in float64 to lane i mod 16 of sums; n is a positive multiple of 16.")
	p, sums := pointers("x"), Load(Param("sums"), GP64())
	acc := []reg.VecVirtual{load(sums, 0), load(sums, 1), load(sums, 2), load(sums, 3)}
	magnitude := XMM()
	VMOVUPS(integers(0x7fffffff), magnitude)
	loop(name, p, 16, func() {
		for i, a := range acc {
			x, wide := XMM(), YMM()
			VANDPS(operand.Mem{Base: p[0], Disp: 16 * i}, magnitude, x)
			VCVTPS2PD(x, wide)
			VADDPD(wide, a, a)
		}
	})
	for i, a := range acc {
		store(a, sums, i)
	}
	finish()
}

func largestBits() {
	const name = "largestBitsAVX2"
	start(name, "func(x *float32, n int, most *uint32)", "raises lane i mod 16 of most to the bits of |x[i]|; n is a positive multiple of 16.")
	p, most := pointers("x"), Load(Param("most"), GP64())
	acc := []reg.VecVirtual{load(most, 0), load(most, 1)}
	magnitude := YMM()
	VMOVUPS(integers(0x7fffffff), magnitude)
	loop(name, p, 16, func() {
		for i, a := range acc {
			VPMAXUD(binary(VANDPS, magnitude, operand.Mem{Base: p[0], Disp: 32 * i}), a, a)
		}
	})
	for i, a := range acc {
		store(a, most, i)
	}
	finish()
}
