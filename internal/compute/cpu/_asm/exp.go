package main

import (
	"math"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The comparisons' predicates.
const less, notLess, unordered, atLeast = 0x11, 0x15, 0x03, 0x1d

// The constants of Exp.
const (
	roundMagic, ln2Hi, ln2Lo = 12582912, 0.693359375, -2.12194440e-4
	expLeast, expMost        = -87.33654, 88.72284
)

var (
	inf          = float32(math.Inf(1))
	expConstants = []float32{roundMagic, math.Log2E, ln2Hi, ln2Lo, 1, expLeast, expMost, inf}
)

// expTerms are Exp's polynomial, the highest power first.
var expTerms = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// The kernels here do what package compute's Exp does, with the same operations in the same order and without fusing, so
// the bits are the same. They come in two widths: a 512-bit instruction of Zen 4 takes as long as two of 256 bits, but
// half the room among those that wait, and an exponential is a chain of waiting (1.5 times as fast).

// width is an instruction set for exponentials.
type width struct {
	name  string
	bytes int
	vec   func() reg.VecVirtual
	fixed map[uint32]reg.VecVirtual // constants in registers, where there are enough of those
}

func (w *width) parts() int { return 64 / w.bytes }

// open starts a kernel and puts the constants of an exponential, and others, into registers.
func (w *width) open(name, signature, doc string, others ...float32) string {
	name += w.name
	start(name, signature, doc+"; n is a positive multiple of 16.")
	w.fixed = nil
	if w.bytes == 32 {
		return name
	}
	fixed := map[uint32]reg.VecVirtual{}
	for _, x := range slices.Concat(expConstants, expTerms, others) {
		v := w.vec()
		VBROADCASTSS(constant(x), v)
		fixed[math.Float32bits(x)] = v
	}
	w.fixed = fixed
	return name
}

// constant is a vector of equal numbers: one of those in registers, or in memory.
func (w *width) constant(x float32) operand.Op {
	if v, ok := w.fixed[math.Float32bits(x)]; ok {
		return v
	}
	if w.bytes > 32 {
		panic("the constant was not named at the start")
	}
	return constant(x)
}

// do emits dst = a op b.
func (w *width) do(op func(ops ...operand.Op), a reg.VecVirtual, b operand.Op) reg.VecVirtual {
	dst := w.vec()
	op(b, a, dst)
	return dst
}

func (w *width) load(base reg.Register, i int) reg.VecVirtual {
	v := w.vec()
	VMOVUPS(operand.Mem{Base: base, Disp: w.bytes * i}, v)
	return v
}

func (w *width) store(v reg.VecVirtual, base reg.Register, i int) {
	VMOVUPS(v, operand.Mem{Base: base, Disp: w.bytes * i})
}

// loadAll is load of 16 numbers.
func (w *width) loadAll(base reg.Register) (v []reg.VecVirtual) {
	for i := range w.parts() {
		v = append(v, w.load(base, i))
	}
	return v
}

func (w *width) broadcast(param string) reg.VecVirtual {
	x, err := Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	v := w.vec()
	VBROADCASTSS(x.Addr, v)
	return v
}

// minus emits -x.
func (w *width) minus(x reg.VecVirtual) reg.VecVirtual {
	if w.bytes > 32 {
		v := w.vec()
		VPXORD(w.constant(minusZero), x, v)
		return v
	}
	return w.do(VXORPS, x, w.constant(minusZero))
}

// exp emits Exp(x).
func (w *width) exp(x reg.VecVirtual) reg.VecVirtual {
	magic := w.constant(roundMagic)
	t := w.do(VADDPS, w.do(VMULPS, x, w.constant(math.Log2E)), magic)
	n := w.do(VSUBPS, t, magic)
	r := w.do(VSUBPS, x, w.do(VMULPS, n, w.constant(ln2Hi)))
	r = w.do(VSUBPS, r, w.do(VMULPS, n, w.constant(ln2Lo)))
	p := w.do(VMULPS, r, w.constant(expTerms[0]))
	for _, c := range expTerms[1 : len(expTerms)-1] {
		p = w.do(VMULPS, w.do(VADDPS, p, w.constant(c)), r)
	}
	p = w.do(VADDPS, p, w.constant(expTerms[len(expTerms)-1]))
	p = w.do(VMULPS, p, w.do(VMULPS, r, r))
	p = w.do(VADDPS, w.do(VADDPS, p, r), w.constant(1))
	exponent := w.vec()
	VPSLLD(operand.Imm(23), t, exponent)
	if w.bytes > 32 {
		return w.edges512(x, p, exponent)
	}
	return w.edges(x, w.do(VPADDD, p, exponent))
}

// edges emits 0, infinity or NaN in place of e where Exp does.
func (w *width) edges(x, e reg.VecVirtual) reg.VecVirtual {
	mask := w.vec()
	VCMPPS(operand.Imm(less), w.constant(expLeast), x, mask)
	VANDNPS(e, mask, e)
	VCMPPS(operand.Imm(atLeast), w.constant(expMost), x, mask)
	VBLENDVPS(mask, w.constant(inf), e, e)
	VCMPPS(operand.Imm(unordered), x, x, mask)
	VBLENDVPS(mask, x, e, e)
	return e
}

// edges512 is edges of p·2^n.
func (w *width) edges512(x, p, exponent reg.VecVirtual) reg.VecVirtual {
	keep, over, nan := K(), K(), K()
	VCMPPS(operand.Imm(notLess), w.constant(expLeast), x, keep)
	VCMPPS(operand.Imm(atLeast), w.constant(expMost), x, over)
	VCMPPS(operand.Imm(unordered), x, x, nan)
	e := w.vec()
	VPADDD_Z(exponent, p, keep, e)
	VMOVAPS(w.constant(inf), over, e)
	VMOVAPS(x, nan, e)
	return e
}
