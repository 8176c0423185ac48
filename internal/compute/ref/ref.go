// Package ref is the reference backend: every kernel of [compute.Backend] as plain float64 loops, to be read and to
// check the fast backends against. It is never fast and never allocates cleverly.
//
// Inputs arrive as float32 (Upload) and everything after that is float64, so central finite differences through it
// are exact to about nine digits; [Data] gives them access to the numbers.
package ref

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// errLength is what kernels panic with when buffers don't fit together.
const errLength = "compute/ref: buffers of different lengths"

// Backend computes in float64 on one thread. The zero value is ready for use.
type Backend struct{}

var _ compute.Backend = (*Backend)(nil)

// New returns the reference backend.
func New() *Backend { return &Backend{} }

// Name is "ref".
func (*Backend) Name() string { return "ref" }

// Sync has nothing to wait for.
func (*Backend) Sync() error { return nil }

type buf struct{ f []float64 }

func (b *buf) Len() int { return len(b.f) }

// Data is the memory behind a buffer of this package, shared and not copied. It is nil for a nil buffer.
func Data(b compute.Buf) []float64 {
	if b == nil {
		return nil
	}
	return b.(*buf).f
}

// Alloc returns n zeros.
func (*Backend) Alloc(n int) compute.Buf { return &buf{make([]float64, n)} }

// AllocUnset returns n NaNs, so that reading one before writing it doesn't go unnoticed.
func (b *Backend) AllocUnset(n int) compute.Buf {
	x := b.Alloc(n)
	for i := range x.(*buf).f {
		x.(*buf).f[i] = math.NaN()
	}
	return x
}

// AllocActs is AllocUnset: activations have the one precision there is.
func (b *Backend) AllocActs(n int) compute.Buf { return b.AllocUnset(n) }

// NewHalf is nil: nothing is computed in bf16.
func (*Backend) NewHalf(n, k int) compute.Buf { return nil }

// Halve does nothing.
func (*Backend) Halve(compute.Weight) {}

// Free takes the memory away, so that a use after it panics.
func (*Backend) Free(b compute.Buf) { b.(*buf).f = nil }

// Slice is a view of b[from:to].
func (*Backend) Slice(b compute.Buf, from, to int) compute.Buf { return &buf{Data(b)[from:to:to]} }

// Upload widens src into dst.
func (*Backend) Upload(dst compute.Buf, src []float32) {
	d := Data(dst)
	mustEqual(len(d), len(src))
	for i, x := range src {
		d[i] = float64(x)
	}
}

// Download rounds src to float32.
func (*Backend) Download(dst []float32, src compute.Buf) {
	s := Data(src)
	mustEqual(len(dst), len(s))
	for i, x := range s {
		dst[i] = float32(x)
	}
}

// Zero fills with 0.
func (*Backend) Zero(b compute.Buf) { clear(Data(b)) }

// Copy copies src to dst.
func (*Backend) Copy(dst, src compute.Buf) {
	mustEqual(dst.Len(), src.Len())
	copy(Data(dst), Data(src))
}

func mustEqual(a, b int) {
	if a != b {
		panic(errLength)
	}
}
