package cpu

import "math"

// A bf16 number is the upper half of a float32: 8 bits of exponent, 7 of fraction.

// widenHalf is the float32 of the same value.
func widenHalf(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// halfOf is the nearest bf16, the one with an even last bit between two. NaN stays NaN, with its sign, and quiet.
// It is integer arithmetic: the same everywhere, denormals kept.
func halfOf(x float32) uint16 {
	bits := math.Float32bits(x)
	if x != x {
		return uint16(bits>>16) | 0x40 // rounding could carry a NaN into infinity
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// widen is dst = src in float32, for len(dst) elements.
func (k *kernel) widen(dst []float32, src []uint16) {
	if k.vector {
		widenBlocks(dst, src)
		return
	}
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = widenHalf(src[i])
	}
}

// halve is dst = src rounded to bf16, for len(dst) elements.
func (k *kernel) halve(dst []uint16, src []float32) {
	if k.vector {
		halveBlocks(dst, src)
		return
	}
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = halfOf(src[i])
	}
}

// opened is x[lo:hi] in float32: the buffer's own elements, or bf16 widened into spare.
func (k *kernel) opened(x *buf, lo, hi int, spare []float32) []float32 {
	if x.h == nil {
		return x.f[lo:hi]
	}
	k.widen(spare[:hi-lo], x.h[lo:hi])
	return spare[:hi-lo]
}

// place is where to write float32 for x[lo:hi]: into it, or into spare for settle to round.
func (b *buf) place(lo, hi int, spare []float32) []float32 {
	if b.h == nil {
		return b.f[lo:hi]
	}
	return spare[:hi-lo]
}

// settle puts what was written to a place into x from lo on.
func (k *kernel) settle(x *buf, lo int, written []float32) {
	if x.h != nil {
		k.halve(x.h[lo:lo+len(written)], written)
	}
}
