package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// rowArgs are the slices of one call, each between guards.
type rowArgs struct {
	n    int
	seed uint64
	all  [][]float32
}

// add gives the next slice of n numbers: normal ones, and every seventh draw an edge or a denormal.
func (a *rowArgs) add(n int) []float32 {
	r := rand.New(rand.NewPCG(a.seed, uint64(len(a.all))))
	all := slices.Repeat([]float32{guardValue}, n+2*guardSize)
	x := all[guardSize : guardSize+n : guardSize+n]
	for i := range x {
		switch x[i] = float32(r.NormFloat64()); {
		case a.seed == 0 || r.IntN(7) > 0:
		case r.IntN(3) == 0:
			x[i] = math.Float32frombits(r.Uint32N(1<<23) | r.Uint32()<<31)
		default:
			x[i] = edges[r.IntN(len(edges))]
		}
	}
	a.all = append(a.all, all)
	return x
}

// next is add with the length of the call.
func (a *rowArgs) next() []float32 { return a.add(a.n) }

// rowKernels are the row kernels on slices of n elements; each gives its other results.
var rowKernels = []struct {
	name string
	run  func(k *kernel, a *rowArgs) []float32
}{
	{"dot", func(k *kernel, a *rowArgs) []float32 { return []float32{k.dot(a.next(), a.next())} }},
	{"normDot", func(k *kernel, a *rowArgs) []float32 { return []float32{k.normDot(a.next(), a.next(), a.next())} }},
	{"normScale", func(k *kernel, a *rowArgs) []float32 { k.normScale(a.next(), a.next(), a.next(), 0.37); return nil }},
	{"normGrad", func(k *kernel, a *rowArgs) []float32 {
		k.normGrad(a.next(), a.next(), a.next(), a.next(), 0.37, -1.3)
		return nil
	}},
	{"gainGrad", func(k *kernel, a *rowArgs) []float32 { k.gainGrad(a.next(), a.next(), a.next(), 0.37); return nil }},
	{"add", func(k *kernel, a *rowArgs) []float32 { k.add(a.next(), a.next()); return nil }},
	{"axpy", func(k *kernel, a *rowArgs) []float32 { k.axpy(a.next(), -0.73, a.next()); return nil }},
	{"scale", func(k *kernel, a *rowArgs) []float32 { k.scale(a.next(), 0.73); return nil }},
	{"statsGradRow", func(k *kernel, a *rowArgs) []float32 { k.statsGradRow(a.next(), 0.8, 1.7, -0.3); return nil }},
	{"statGrad", func(k *kernel, a *rowArgs) []float32 {
		k.statGrad(a.next(), &gradScalars{2, 0.8, 0.01, 1.7, -0.3, 4.1, 3.3})
		return nil
	}},
	{"logpGradRow", func(k *kernel, a *rowArgs) []float32 { k.logpGradRow(a.next(), 0.8, 1.7); return nil }},
	{"adamW", func(k *kernel, a *rowArgs) []float32 {
		s := adamWScalars{0.9, 0.1, 0.99, 0.01, 1e-4, 1e-3, 0.271, 0.0297, 1e-8, 0.7}
		p, g, m, v := a.next(), a.next(), a.next(), a.next()
		if a.seed == 0 {
			for i, x := range v {
				v[i] = x * x
			}
		}
		k.adamW(p, g, m, v, &s)
		return nil
	}},
	{"sgd", func(k *kernel, a *rowArgs) []float32 {
		k.sgd(a.next(), a.next(), &sgdScalars{0.1, 0.9, 0.01, 0.7})
		return nil
	}},
	{"sgdMomentum", func(k *kernel, a *rowArgs) []float32 {
		k.sgdMomentum(a.next(), a.next(), a.next(), &sgdScalars{0.1, 0.9, 0.01, 0.7})
		return nil
	}},
	{"sumSquares", func(k *kernel, a *rowArgs) []float32 {
		sx, sy := k.sumSquares(a.next(), a.next())
		var out []float32
		for _, s := range []float64{sx, sy} {
			bits := math.Float64bits(s)
			out = append(out, float32(bits>>44), float32(bits>>22&(1<<22-1)), float32(bits&(1<<22-1)))
		}
		return out
	}},
	{"sumAbs", func(k *kernel, a *rowArgs) []float32 {
		bits := math.Float64bits(k.sumAbs(a.next()))
		return []float32{float32(bits >> 44), float32(bits >> 22 & (1<<22 - 1)), float32(bits & (1<<22 - 1))}
	}},
	{"scoreGrad", func(k *kernel, a *rowArgs) []float32 {
		dp, e := a.add(padded(a.n)), a.add(padded(a.n))
		clear(e[a.n:])
		k.scoreGrad(dp, e, a.n, 0.37, -0.2)
		return nil
	}},
	{"turn", func(k *kernel, a *rowArgs) []float32 { return turnArgs(k, a, false) }},
	{"turnBack", func(k *kernel, a *rowArgs) []float32 { return turnArgs(k, a, true) }},
}

// turnArgs turns three heads with halves of n elements.
func turnArgs(k *kernel, a *rowArgs, inverse bool) []float32 {
	k.turnHeads(a.add(6*a.n), a.next(), a.next(), inverse)
	return nil
}

// TestRowKernelsGiveThePortableBits compares each with the portable loop at every length from 0 on, alignments
// included, with NaN, infinities and denormals among the numbers, and looks at guards around every slice.
func TestRowKernelsGiveThePortableBits(t *testing.T) {
	var sizes []int
	for n := range 67 {
		sizes = append(sizes, n)
	}
	sizes = append(sizes, 100, 576, longRow-1, longRow, longRow+1, 2*longRow+17)
	for _, k := range kernels()[1:] {
		for _, c := range rowKernels {
			t.Run(k.name+"/"+c.name, func(t *testing.T) {
				for _, n := range sizes {
					for seed := range uint64(4) {
						got, want := &rowArgs{n: n, seed: seed}, &rowArgs{n: n, seed: seed}
						same(t, fmt.Sprintf("n %d, seed %d: result", n, seed), c.run(k, got), c.run(&portable, want))
						for i := range want.all {
							same(t, fmt.Sprintf("n %d, seed %d: slice %d", n, seed, i), got.all[i], want.all[i])
						}
					}
				}
			})
		}
	}
}

// longRow is the length of one assembly call; its constant exists only where there is assembly.
const longRow = 4096

func TestAllFinite(t *testing.T) {
	eachImpl(t, 2, func(t *testing.T, b *Backend) {
		for _, n := range []int{0, 1, 15, 16, 40, 5000, 20000} {
			x, check := guarded(t, n, func(i int) float32 { return float32(math.MaxFloat32) * float32(1-i%3) })
			if !b.AllFinite(x) {
				t.Errorf("%d finite elements were called not finite", n)
			}
			for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
				for _, at := range []int{0, n / 2, n - 1} {
					if at < 0 || at >= n {
						continue
					}
					old := f32(x)[at]
					f32(x)[at] = bad
					if b.AllFinite(x) {
						t.Errorf("%g at %d of %d was overlooked", bad, at, n)
					}
					f32(x)[at] = old
				}
			}
			check()
		}
	})
}

// TestDecodeCallsAllocateNothing: once the scratch has grown.
func TestDecodeCallsAllocateNothing(t *testing.T) {
	const rows, h, inner, heads, d, vocab = 37, 576, 1536, 9, 64, 1000
	for _, bf16 := range []bool{false, true} {
		b := New(2)
		b.bf16 = bf16
		x, g, y := filled(b, rows*h), filled(b, h), b.AllocActs(rows*h)
		gate, up, out := b.AllocActs(rows*inner), b.AllocActs(rows*inner), b.AllocActs(rows*inner)
		w := compute.Weight{N: vocab, K: h, Data: filled(b, panels(vocab)*panel*h)}
		logits, ids := filled(b, rows*vocab), make([]int32, rows)
		freq := make([]float32, d/2)
		for name, call := range map[string]func(){
			"rmsnorm": func() { b.RMSNorm(y, x, g, rows, 1e-5) },
			"rope":    func() { b.RoPE(y, ids, heads, d, freq, false) },
			"add":     func() { b.Add(x, x) },
			"swiglu":  func() { b.SwiGLU(out, gate, up) },
			"embed":   func() { b.Embed(x, w, ids) },
		} {
			if n := testing.AllocsPerRun(50, call); n != 0 {
				t.Errorf("bf16 %t: %s allocates %g times a call", bf16, name, n)
			}
		}
		if n := testing.AllocsPerRun(50, func() { b.TokenStats(logits, vocab, 1, ids) }); n > 1 {
			t.Errorf("token stats allocate %g times a call, want only their results", n)
		}
		if !reflect.ValueOf(b.calls).IsZero() {
			t.Error("a finished call keeps its buffers alive")
		}
	}
}

// TestPiecesGiveTheSameBits runs calls that are large enough to be cut among threads, and wants the bits of one thread.
func TestPiecesGiveTheSameBits(t *testing.T) {
	const rows, h = 307, 5*64 + 6
	run := func(threads int) [][]float32 {
		b := New(threads)
		a := &rowArgs{n: rows * h, seed: 1}
		next := func() compute.Buf { return &buf{f: a.next()} }
		x, y, z, dx, p, g, m, v := next(), next(), next(), next(), next(), next(), next(), next()
		gain, dgain := &buf{f: a.add(h)}, &buf{f: a.add(h)}
		pos, slot := make([]int32, rows), make([]int32, rows)
		for r := range pos {
			pos[r], slot[r] = int32(r), int32(r*7%rows/2)
		}
		b.RMSNorm(y, x, gain, rows, 1e-5)
		b.RMSNormGrad(dx, dgain, z, x, gain, rows, 1e-5)
		b.RoPE(x, pos, 1, h, make([]float32, h/2), false)
		b.Add(y, x)
		b.Axpy(z, 0.3, y)
		b.Scale(z, 0.7)
		b.GatherAdd(z, x, slot, h)
		b.AdamW(p, g, m, v, compute.AdamW{Rate: 1e-3, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, C1: 0.2, C2: 0.1, GradScale: 1})
		b.SGD(p, g, m, compute.SGD{Rate: 1e-2, Momentum: 0.9, GradScale: 1})
		b.SGD(p, g, nil, compute.SGD{Rate: 1e-2, GradScale: 1})
		b.SwiGLU(g, x, y)
		b.SwiGLUGrad(m, v, z, x, y)
		sum := b.SumSquares(gain)
		return append(a.all, []float32{float32(sum), float32(sum - float64(float32(sum)))})
	}
	want := run(1)
	for _, threads := range []int{2, 3, 7} {
		for i, got := range run(threads) {
			same(t, fmt.Sprintf("%d threads, slice %d", threads, i), got, want[i])
		}
	}
}
