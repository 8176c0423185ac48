package cpu

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// bigMove is the fewest elements that are worth a second thread when clearing or copying, 1 MB.
const bigMove = 1 << 18

// buf is a float32 array. One from Alloc starts on a cache line. Its memory lives as long as its Backend.
type buf struct {
	f     []float32
	block []float32 // what Free gives back; nil in a slice of another buffer and after Free
}

// Len is the number of elements.
func (b *buf) Len() int { return len(b.f) }

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
func (b *Backend) AllocActs(n int) compute.Buf { return b.AllocUnset(n) }

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
	return &buf{f: f32(x)[from:to:to]}
}

// Upload copies src into dst.
func (b *Backend) Upload(dst compute.Buf, src []float32) { b.move("upload", f32(dst), src) }

// Download copies src into dst.
func (b *Backend) Download(dst []float32, src compute.Buf) { b.move("download", dst, f32(src)) }

// Copy copies src into dst.
func (b *Backend) Copy(dst, src compute.Buf) { b.move("copy", f32(dst), f32(src)) }

// Zero sets every element to 0.
func (b *Backend) Zero(x compute.Buf) {
	f := f32(x)
	b.parallel(len(f), bigMove, func(lo, hi int) { clear(f[lo:hi]) })
}

func (b *Backend) move(what string, dst, src []float32) {
	if len(dst) != len(src) {
		panic(fmt.Sprintf("cpu: %s: %d elements, want %d", what, len(src), len(dst)))
	}
	b.parallel(len(dst), bigMove, func(lo, hi int) { copy(dst[lo:hi], src[lo:hi]) })
}
