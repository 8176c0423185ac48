package cpu

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/burnish-rl/burnish/internal/compute"
)

const (
	alignBytes = 64       // a cache line and an AVX-512 register
	keepBytes  = 64 << 20 // most bytes of one freed size that stay for reuse
)

// buf is a float32 array that starts on a cache line unless it is a slice of another one.
type buf struct{ f []float32 }

// Len is the number of elements.
func (b *buf) Len() int { return len(b.f) }

// f32 gives the elements of a buffer that this package made.
func f32(b compute.Buf) []float32 { return b.(*buf).f }

// freeList keeps freed buffers by length, so that a training step allocates nothing after the first one.
type freeList struct {
	mu     sync.Mutex
	bySize map[int][]*buf
}

func newAligned(n int) *buf {
	raw := make([]float32, n+alignBytes/4-1)
	if n == 0 {
		return &buf{f: raw[:0:0]}
	}
	skip := 0
	if off := uintptr(unsafe.Pointer(&raw[0])) % alignBytes; off != 0 {
		skip = int(alignBytes-off) / 4
	}
	return &buf{f: raw[skip : skip+n : skip+n]}
}

// Alloc returns n zeros.
func (b *Backend) Alloc(n int) compute.Buf {
	b.free.mu.Lock()
	kept := b.free.bySize[n]
	if len(kept) == 0 {
		b.free.mu.Unlock()
		return newAligned(n)
	}
	x := kept[len(kept)-1]
	b.free.bySize[n] = kept[:len(kept)-1]
	b.free.mu.Unlock()
	clear(x.f)
	return x
}

// Free keeps a buffer for the next Alloc of its size. Slices of it are dead too.
func (b *Backend) Free(x compute.Buf) {
	v := x.(*buf)
	n := len(v.f)
	b.free.mu.Lock()
	defer b.free.mu.Unlock()
	if b.free.bySize == nil {
		b.free.bySize = map[int][]*buf{}
	}
	if n > 0 && (len(b.free.bySize[n])+1)*n*4 <= keepBytes {
		b.free.bySize[n] = append(b.free.bySize[n], v)
	}
}

// Slice is a view of x[from:to].
func (b *Backend) Slice(x compute.Buf, from, to int) compute.Buf {
	return &buf{f: f32(x)[from:to:to]}
}

// Upload copies src into dst.
func (b *Backend) Upload(dst compute.Buf, src []float32) { copyEqual("upload", f32(dst), src) }

// Download copies src into dst.
func (b *Backend) Download(dst []float32, src compute.Buf) { copyEqual("download", dst, f32(src)) }

// Zero sets every element to 0.
func (b *Backend) Zero(x compute.Buf) { clear(f32(x)) }

// Copy copies src into dst.
func (b *Backend) Copy(dst, src compute.Buf) { copyEqual("copy", f32(dst), f32(src)) }

func copyEqual(what string, dst, src []float32) {
	if len(dst) != len(src) {
		panic(fmt.Sprintf("cpu: %s: source has %d elements, want %d", what, len(src), len(dst)))
	}
	copy(dst, src)
}
