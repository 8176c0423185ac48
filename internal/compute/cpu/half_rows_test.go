package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// guardedHalf is guarded in bf16: n values between guards, and a check that the guards still stand.
func guardedHalf(t *testing.T, n int, fill func(i int) float32) (*buf, func()) {
	const guard = 0xabcd
	all := slices.Repeat([]uint16{guard}, n+2*guardSize)
	h := all[guardSize : guardSize+n : guardSize+n]
	for i := range h {
		h[i] = halfOf(fill(i))
	}
	return &buf{h: h}, func() {
		t.Helper()
		for i, v := range all {
			if (i < guardSize || i >= guardSize+n) && v != guard {
				t.Errorf("element %d of a bf16 buffer of %d was written: %#x", i-guardSize, n, v)
			}
		}
	}
}

// twin is a float32 buffer with the same values.
func twin(x *buf) *buf {
	y := &buf{f: make([]float32, len(x.h))}
	for i, h := range x.h {
		y.f[i] = widenHalf(h)
	}
	return y
}

// mustRoundTo fails unless x is y rounded to bf16, bit by bit.
func mustRoundTo(t *testing.T, what string, x, y *buf) {
	t.Helper()
	for i, v := range y.f {
		if x.h[i] != halfOf(v) {
			t.Errorf("%s: element %d is %g, want %g rounded", what, i, widenHalf(x.h[i]), v)
			return
		}
	}
}

// TestHalfActivations: with bf16 buffers a call gives what the float32 call on the same values gives, rounded.
func TestHalfActivations(t *testing.T) {
	eachImpl(t, 2, func(t *testing.T, b *Backend) {
		for _, s := range [][2]int{{1, 4}, {3, 30}, {33, 576}, {5, 1030}, {2, 5000}} {
			rows, h := s[0], s[1]
			t.Run(fmt.Sprint(rows, h), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(rows), uint64(h)))
				acts := func() *buf {
					x, check := guardedHalf(t, rows*h, normal(r))
					t.Cleanup(check)
					return x
				}
				x, y, gate, up, dy, dgate, dup := acts(), acts(), acts(), acts(), acts(), acts(), acts()
				g := &buf{f: make([]float32, h)}
				for i := range g.f {
					g.f[i] = float32(r.NormFloat64())
				}

				wide, want := twin(x), &buf{f: make([]float32, rows*h)}
				b.RMSNorm(y, wide, g, rows, 1e-5)
				b.RMSNorm(want, wide, g, rows, 1e-5)
				mustRoundTo(t, "rmsnorm", y, want)

				pos := make([]int32, rows)
				for i := range pos {
					pos[i] = int32(r.IntN(500))
				}
				for _, inverse := range []bool{false, true} {
					for _, d := range []int{2, 10, 64} {
						if h%d > 0 {
							continue
						}
						freq := make([]float32, d/2)
						for i := range freq {
							freq[i] = float32(math.Pow(10000, -float64(2*i)/float64(d)))
						}
						want := twin(x)
						b.RoPE(want, pos, h/d, d, freq, inverse)
						b.RoPE(x, pos, h/d, d, freq, inverse)
						mustRoundTo(t, fmt.Sprintf("rope %d, inverse %t", d, inverse), x, want)
					}
				}

				b.SwiGLU(y, gate, up)
				b.SwiGLU(want, twin(gate), twin(up))
				mustRoundTo(t, "swiglu", y, want)

				wantUp := &buf{f: make([]float32, rows*h)}
				b.SwiGLUGrad(want, wantUp, twin(dy), twin(gate), twin(up))
				b.SwiGLUGrad(dgate, dup, dy, gate, up)
				mustRoundTo(t, "swiglu dgate", dgate, want)
				mustRoundTo(t, "swiglu dup", dup, wantUp)
				b.SwiGLUGrad(gate, up, dy, gate, up) // in place
				mustRoundTo(t, "swiglu dgate in place", gate, want)
				mustRoundTo(t, "swiglu dup in place", up, wantUp)
			})
		}
	})
}

// TestEmbedReadsHalf: rows come from the bf16 copy, for odd widths too, with or without the master weights.
func TestEmbedReadsHalf(t *testing.T) {
	eachImpl(t, 2, func(t *testing.T, b *Backend) {
		b.bf16 = true
		r := rand.New(rand.NewPCG(1, 2))
		for _, s := range [][2]int{{1, 1}, {16, 7}, {35, 64}, {100, 33}} {
			w := b.NewWeight(s[0], s[1])
			rowMajor := make([]float32, w.N*w.K)
			for i := range rowMajor {
				rowMajor[i] = float32(r.NormFloat64())
			}
			b.UploadWeight(w, rowMajor)
			w.Half = b.NewHalf(w.N, w.K)
			b.Halve(w)
			b.Zero(w.Data)
			for _, v := range []compute.Weight{w, {N: w.N, K: w.K, Half: w.Half}} {
				ids := []int32{0, int32(w.N - 1), int32(w.N / 2)}
				y, check := guarded(t, len(ids)*w.K, func(int) float32 { return 7 })
				b.Embed(y, v, ids)
				check()
				for i, id := range ids {
					for k := range w.K {
						got, want := f32(y)[i*w.K+k], widenHalf(halfOf(rowMajor[int(id)*w.K+k]))
						if got != want {
							t.Fatalf("%v: W[%d, %d] came out as %g, want %g", s, id, k, got, want)
						}
					}
				}
			}
		}
	})
}
