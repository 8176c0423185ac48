package cpu

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// bigMove is the fewest elements that are worth a second thread when clearing or copying, 1 MB.
const bigMove = 1 << 18

// buf is an array of float32, or of bf16 numbers in h. One from Alloc starts on a cache line. Its memory lives as long as
// its Backend.
type buf struct {
	f     []float32
	h     []uint16
	block []float32 // what Free gives back; nil in a slice of another buffer and after Free
}

// Len is the number of elements.
func (b *buf) Len() int { return len(b.f) + len(b.h) }

// f32 gives the elements of a buffer that this package made.
func f32(b compute.Buf) []float32 { return b.(*buf).f }

// Alloc returns n zeros.
func (b *Backend) Alloc(n int) compute.Buf {
	block, used := b.free.take(n)
	x := &buf{f: block[:n:n], block: block}
	if used {
		b.Zero(x)
	}
	return x
}

// AllocUnset returns n elements of unknown content.
func (b *Backend) AllocUnset(n int) compute.Buf {
	block, _ := b.free.take(n)
	return &buf{f: block[:n:n], block: block}
}

// AllocActs is AllocUnset in the precision of activations.
func (b *Backend) AllocActs(n int) compute.Buf {
	if !b.bf16 || n == 0 {
		return b.AllocUnset(n)
	}
	return halved(b.AllocUnset(pairs(n)), n)
}

// halved makes a buffer hold n bf16 numbers.
func halved(x compute.Buf, n int) compute.Buf {
	v := x.(*buf)
	v.h, v.f = asHalves(v.f)[:n:n], nil
	return v
}

// Free keeps the buffer's memory for a later Alloc. Slices of it are dead too.
func (b *Backend) Free(x compute.Buf) {
	v := x.(*buf)
	if v.block == nil {
		panic("cpu: free: a slice, or a buffer freed before")
	}
	b.free.put(v.block)
	*v = buf{}
}

// Slice is a view of x[from:to].
func (b *Backend) Slice(x compute.Buf, from, to int) compute.Buf {
	v := x.(*buf)
	if v.h != nil {
		return &buf{h: v.h[from:to:to]}
	}
	return &buf{f: v.f[from:to:to]}
}

// Upload copies src into dst.
func (b *Backend) Upload(dst compute.Buf, src []float32) { b.move("upload", *dst.(*buf), buf{f: src}) }

// Download copies src into dst.
func (b *Backend) Download(dst []float32, src compute.Buf) {
	b.move("download", buf{f: dst}, *src.(*buf))
}

// Copy copies src into dst.
func (b *Backend) Copy(dst, src compute.Buf) { b.move("copy", *dst.(*buf), *src.(*buf)) }

// Zero sets every element to 0.
func (b *Backend) Zero(x compute.Buf) {
	v := x.(*buf)
	b.parallel(v.Len(), bigMove, func(lo, hi int) {
		if v.h != nil {
			clear(v.h[lo:hi])
		} else {
			clear(v.f[lo:hi])
		}
	})
}

// move copies, and converts where the precisions differ.
func (b *Backend) move(what string, dst, src buf) {
	if dst.Len() != src.Len() {
		panic(fmt.Sprintf("cpu: %s: %d elements, want %d", what, src.Len(), dst.Len()))
	}
	b.parallel(dst.Len(), bigMove, func(lo, hi int) {
		switch {
		case dst.h != nil && src.h != nil:
			copy(dst.h[lo:hi], src.h[lo:hi])
		case dst.h != nil:
			b.kernel.halve(dst.h[lo:hi], src.f[lo:hi])
		case src.h != nil:
			b.kernel.widen(dst.f[lo:hi], src.h[lo:hi])
		default:
			copy(dst.f[lo:hi], src.f[lo:hi])
		}
	})
}
