package cpu

import (
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"unsafe"

	"github.com/burnish-rl/burnish/internal/compute"
)

const (
	alignBytes = 64 // a cache line and an AVX-512 register
	// bigMove is the fewest elements that are worth a second thread when clearing or copying, 1 MB.
	bigMove = 1 << 18
)

// buf is an array of float32, or of bf16 numbers in h. One from Alloc starts on a cache line.
type buf struct {
	f     []float32
	h     []uint16
	block []float32 // what Free gives back; nil in a slice of another buffer and after Free
}

// Len is the number of elements.
func (b *buf) Len() int { return len(b.f) + len(b.h) }

// f32 gives the elements of a buffer that this package made.
func f32(b compute.Buf) []float32 { return b.(*buf).f }

// freeList keeps freed blocks, so that a training step allocates nothing after the first one. Row counts change from
// step to step: blocks come in sizes one eighth of a power of two apart, and the oldest are dropped when live and
// kept blocks together would exceed the most that was ever live by a quarter.
type freeList struct {
	mu               sync.Mutex
	kept             [][]float32 // oldest first
	live, idle, peak int         // elements in use, kept, and the most ever in use
}

// blockSize is the size of the block for n elements: at most an eighth larger, and a multiple of 16.
func blockSize(n int) int {
	step := max(alignBytes/4, 1<<max(0, bits.Len(uint(n))-4))
	return ceilDiv(n, step) * step
}

// take returns a block of the given size, and whether it is a used one, which doesn't hold zeros.
func (l *freeList) take(size int) (block []float32, used bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live += size
	l.peak = max(l.peak, l.live)
	for i, k := range slices.Backward(l.kept) {
		if len(k) == size {
			l.kept = slices.Delete(l.kept, i, i+1)
			l.idle -= size
			return k, true
		}
	}
	drop := 0
	for ; drop < len(l.kept) && l.live+l.idle > l.peak+l.peak/4; drop++ {
		l.idle -= len(l.kept[drop])
	}
	l.kept = slices.Delete(l.kept, 0, drop)
	return newAligned(size), false
}

func (l *freeList) put(block []float32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live -= len(block)
	l.idle += len(block)
	l.kept = append(l.kept, block)
}

// newAligned returns n zeros that start on a cache line.
func newAligned(n int) []float32 {
	if n == 0 {
		return []float32{}
	}
	raw := make([]float32, n+alignBytes/4-1)
	skip := 0
	if off := uintptr(unsafe.Pointer(&raw[0])) % alignBytes; off != 0 {
		skip = int(alignBytes-off) / 4
	}
	return raw[skip : skip+n : skip+n]
}

// Alloc returns n zeros.
func (b *Backend) Alloc(n int) compute.Buf {
	block, used := b.free.take(blockSize(n))
	x := &buf{f: block[:n:n], block: block}
	if used {
		b.Zero(x)
	}
	return x
}

// AllocActs returns n zeros in the precision of activations.
func (b *Backend) AllocActs(n int) compute.Buf {
	if !b.bf16 || n == 0 {
		return b.Alloc(n)
	}
	return b.allocHalf(n)
}

func (b *Backend) allocHalf(n int) compute.Buf {
	x := b.Alloc(pairs(n)).(*buf)
	x.h, x.f = asHalves(x.f)[:n:n], nil
	return x
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
