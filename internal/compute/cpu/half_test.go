package cpu

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"
)

// TestHalfOfEveryBoundary compares the rounding with arbitrary-precision arithmetic: every bf16 number of both signs,
// what lies just below, at and just above the middle to the next one, and NaN.
func TestHalfOfEveryBoundary(t *testing.T) {
	for upper := range uint32(1 << 16) {
		for _, lower := range []uint32{0, 1, 0x7fff, 0x8000, 0x8001, 0xffff} {
			x := math.Float32frombits(upper<<16 | lower)
			got := halfOf(x)
			if x != x {
				if w := widenHalf(got); w == w || got&0x40 == 0 || got>>15 != uint16(upper>>15) {
					t.Fatalf("%#x became %#x, want a quiet NaN of the same sign", upper<<16|lower, got)
				}
				continue
			}
			if want := nearestHalf(x); got != want {
				t.Fatalf("%#x (%g) became %#x, want %#x", upper<<16|lower, x, got, want)
			}
		}
	}
}

// nearestHalf rounds by comparing distances. Above the largest number the next one is taken to be 2^128, infinity.
func nearestHalf(x float32) uint16 {
	down := uint16(math.Float32bits(x) >> 16)
	if math.IsInf(float64(x), 0) {
		return down
	}
	exact := func(h uint16) *big.Float {
		if f := float64(widenHalf(h)); !math.IsInf(f, 0) {
			return big.NewFloat(f)
		}
		return big.NewFloat(math.Copysign(math.Ldexp(1, 128), float64(x)))
	}
	v := big.NewFloat(float64(x))
	below := new(big.Float).Sub(v, exact(down))
	above := new(big.Float).Sub(exact(down+1), v)
	switch below.Abs(below).Cmp(above.Abs(above)) {
	case -1:
		return down
	case 1:
		return down + 1
	}
	return down + down&1
}

// TestHalfKernels: every set gives the portable bits at every length, and writes nothing else.
func TestHalfKernels(t *testing.T) {
	wide := make([]float32, 0, 4<<16)
	for upper := range uint32(1 << 16) {
		for _, lower := range []uint32{0, 0x7fff, 0x8000, 0x8001} {
			wide = append(wide, math.Float32frombits(upper<<16|lower))
		}
	}
	const guard = 0xabcd
	for _, k := range kernels() {
		for _, n := range append(lengths, len(wide)) {
			t.Run(fmt.Sprintf("%s %d", k.name, n), func(t *testing.T) {
				got, want := slices.Repeat([]uint16{guard}, n+32), slices.Repeat([]uint16{guard}, n+32)
				src := wide[(len(wide)-n)/2:][:n]
				k.halve(got[16:16+n], src)
				for i, x := range src {
					want[16+i] = halfOf(x)
				}
				if !slices.Equal(got, want) {
					t.Error("halve: other bits than the portable loop, or written outside")
				}
				back, wantBack := slices.Repeat([]float32{guardValue}, n+32), slices.Repeat([]float32{guardValue}, n+32)
				k.widen(back[16:16+n], want[16:16+n])
				for i, h := range want[16 : 16+n] {
					wantBack[16+i] = widenHalf(h)
				}
				for i := range back {
					if math.Float32bits(back[i]) != math.Float32bits(wantBack[i]) {
						t.Fatalf("widen: element %d is %g, want %g", i-16, back[i], wantBack[i])
					}
				}
			})
		}
	}
}

// TestHalfBuffers: activations of a bf16 backend take two bytes an element, and every move rounds or widens.
func TestHalfBuffers(t *testing.T) {
	b := New(2)
	b.bf16 = true
	in := finite(1001, 3)
	x, y, wide := b.AllocActs(1001), b.AllocActs(1001), b.Alloc(1001)
	if v := x.(*buf); x.Len() != 1001 || v.f != nil || len(v.block)*2 < 1001 || len(v.block) > 640 {
		t.Fatalf("%d elements in a block of %d, want 1001 in bf16", x.Len(), len(v.block))
	}
	b.Upload(x, in)
	b.Copy(y, x)
	b.Copy(wide, y)
	part := make([]float32, 3)
	b.Download(part, b.Slice(y, 7, 10))
	for i, v := range f32(wide) {
		if want := widenHalf(halfOf(in[i])); v != want {
			t.Fatalf("element %d is %g, want %g", i, v, want)
		}
	}
	if !slices.Equal(part, f32(wide)[7:10]) {
		t.Errorf("a slice holds %g, want %g", part, f32(wide)[7:10])
	}
	b.Zero(b.Slice(y, 1, 1001))
	if h := y.(*buf).h; h[0] == 0 || slices.ContainsFunc(h[1:], func(v uint16) bool { return v != 0 }) {
		t.Error("Zero of a slice cleared too much or too little")
	}
	start := &x.(*buf).block[0]
	b.Free(x)
	again := b.Alloc(505).(*buf)
	if &again.f[0] != start || slices.ContainsFunc(again.f, func(v float32) bool { return v != 0 }) {
		t.Error("the block was not used again, or came back with something in it")
	}
}
