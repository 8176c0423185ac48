package cpu

import (
	"math"
	"sync/atomic"

	"github.com/burnish-rl/burnish/internal/compute"
)

// sumChunk is the number of elements of one partial sum of SumSquares, whatever the number of threads.
const sumChunk = 1 << 16

// SumSquares is Σ x² in float64: chunks of one size, each with its own lanes, added in order.
func (b *Backend) SumSquares(x compute.Buf) float64 {
	f := f32(x)
	chunks := ceilDiv(len(f), sumChunk)
	sums := make([]float64, chunks)
	b.parallel(chunks, 1, func(lo, hi int) {
		for c := lo; c < hi; c++ {
			sums[c] = sumSquares(f[c*sumChunk : min(len(f), (c+1)*sumChunk)])
		}
	})
	total := 0.0
	for _, s := range sums {
		total += s
	}
	return total
}

func sumSquares(x []float32) float64 {
	var s [4]float64
	for len(x) >= 4 {
		for j, v := range (*[4]float32)(x) {
			s[j] += float64(v) * float64(v) // exact product: fusing changes nothing
		}
		x = x[4:]
	}
	for j, v := range x {
		s[j] += float64(v) * float64(v)
	}
	return (s[0] + s[2]) + (s[1] + s[3])
}

// AllFinite is false if any element is NaN or infinite.
func (b *Backend) AllFinite(x compute.Buf) bool {
	f := f32(x)
	var bad atomic.Bool
	b.parallel(len(f), elementGrain, func(lo, hi int) {
		const exponent = 0x7f800000
		most := uint32(0)
		for _, v := range f[lo:hi] {
			most = max(most, math.Float32bits(v)&^(1<<31))
		}
		if most >= exponent {
			bad.Store(true)
		}
	})
	return !bad.Load()
}

// AdamW is one step of decoupled weight decay.
func (b *Backend) AdamW(p, g, m, v compute.Buf, o compute.AdamW) {
	pf, gf, mf, vf := f32(p), f32(g), f32(m), f32(v)
	mustHave("adamw: g", len(gf), len(pf))
	mustHave("adamw: m", len(mf), len(pf))
	mustHave("adamw: v", len(vf), len(pf))
	b.parallel(len(pf), elementGrain/4, func(lo, hi int) {
		adamW(pf[lo:hi], gf[lo:hi], mf[lo:hi], vf[lo:hi], o)
	})
}

func adamW(p, g, m, v []float32, o compute.AdamW) {
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	fresh1, fresh2 := 1-o.Beta1, 1-o.Beta2
	decay := o.Rate * o.Decay
	for i, x := range p {
		grad := g[i] * o.GradScale
		m1 := float32(o.Beta1*m[i]) + float32(fresh1*grad)
		v1 := float32(o.Beta2*v[i]) + float32(fresh2*(grad*grad))
		m[i], v[i] = m1, v1
		x -= float32(decay * x)
		p[i] = x - o.Rate*(m1/o.C1)/(float32(math.Sqrt(float64(v1/o.C2)))+o.Eps)
	}
}

// SGD: p -= rate·(gscale·g + decay·p), through heavy-ball momentum in m unless m is nil.
func (b *Backend) SGD(p, g, m compute.Buf, o compute.SGD) {
	pf, gf := f32(p), f32(g)
	mustHave("sgd: g", len(gf), len(pf))
	var mf []float32
	if m != nil {
		mf = f32(m)
		mustHave("sgd: m", len(mf), len(pf))
	}
	b.parallel(len(pf), elementGrain, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			step := float32(o.GradScale*gf[i]) + float32(o.Decay*pf[i])
			if mf != nil {
				step += float32(o.Momentum * mf[i])
				mf[i] = step
			}
			pf[i] -= float32(o.Rate * step)
		}
	})
}
