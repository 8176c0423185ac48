package cpu

import (
	"math"
	"slices"
	"sync/atomic"

	"github.com/burnish-rl/burnish/internal/compute"
)

// sumChunk is the number of elements of one partial sum of SumSquares, whatever the number of threads.
const sumChunk = 1 << 16

// SumSquares is Σ x² in float64: chunks of one size, each with its own lanes, added in order.
func (b *Backend) SumSquares(x compute.Buf) float64 {
	f := f32(x)
	chunks := ceilDiv(len(f), sumChunk)
	chunk := func(c int) []float32 { return f[c*sumChunk : min(len(f), (c+1)*sumChunk)] }
	sums := make([]float64, chunks)
	b.parallel(ceilDiv(chunks, 2), 1, func(lo, hi int) {
		for c := 2 * lo; c < min(chunks, 2*hi); c += 2 {
			if c+1 < chunks && len(chunk(c+1)) == sumChunk {
				sums[c], sums[c+1] = b.kernel.sumSquares(chunk(c), chunk(c+1))
				continue
			}
			for d := c; d < min(chunks, c+2); d++ {
				sums[d], _ = b.kernel.sumSquares(chunk(d), nil)
			}
		}
	})
	total := 0.0
	for _, s := range sums {
		total += s
	}
	return total
}

// sumSquares are the sums over two rows of one length, or over one, y being nil. Each has four lanes.
func (k *kernel) sumSquares(x, y []float32) (float64, float64) {
	var s [2][4]float64
	if k.vector {
		beside := y
		if y == nil {
			beside = x // takes no time: the sums wait for their own additions
		}
		squareBlocks(x, beside, &s)
		x, y = nil, nil
	}
	return addSquares(&s[0], x), addSquares(&s[1], y)
}

func addSquares(s *[4]float64, x []float32) float64 {
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

// SumAbs is Σ |x| in float64, in chunks and lanes as SumSquares.
func (b *Backend) SumAbs(x compute.Buf) float64 {
	f := f32(x)
	sums := make([]float64, ceilDiv(len(f), sumChunk))
	b.parallel(len(sums), 1, func(lo, hi int) {
		for c := lo; c < hi; c++ {
			sums[c] = b.kernel.sumAbs(f[c*sumChunk : min(len(f), (c+1)*sumChunk)])
		}
	})
	total := 0.0
	for _, s := range sums {
		total += s
	}
	return total
}

func (k *kernel) sumAbs(x []float32) float64 {
	var s [compute.Lanes]float64
	if k.vector {
		absBlocks(x, &s)
		x = nil
	}
	for i, v := range x {
		s[i%compute.Lanes] += math.Abs(float64(v))
	}
	sum := 0.0
	for _, v := range s {
		sum += v
	}
	return sum
}

// AllFinite is false if any element is NaN or infinite.
func (b *Backend) AllFinite(x compute.Buf) bool {
	f := f32(x)
	var bad atomic.Bool
	b.parallelBlocks(len(f), lightGrain, func(lo, hi int) {
		if !b.kernel.allFinite(f[lo:hi]) {
			bad.Store(true)
		}
	})
	return !bad.Load()
}

func (k *kernel) allFinite(x []float32) bool {
	const exponent, sign = 0x7f800000, 1 << 31
	var most [compute.Lanes]uint32
	if k.vector {
		largestBlocks(x, &most)
		x = nil
	}
	largest := slices.Max(most[:])
	for _, v := range x {
		largest = max(largest, math.Float32bits(v)&^sign)
	}
	return largest < exponent
}

// AdamW is one step of decoupled weight decay.
func (b *Backend) AdamW(p, g, m, v compute.Buf, o compute.AdamW) {
	pf, gf, mf, vf := f32(p), f32(g), f32(m), f32(v)
	mustHave("adamw: g", len(gf), len(pf))
	mustHave("adamw: m", len(mf), len(pf))
	mustHave("adamw: v", len(vf), len(pf))
	s := adamWScalars{o.Beta1, 1 - o.Beta1, o.Beta2, 1 - o.Beta2, o.Rate * o.Decay, o.Rate, o.C1, o.C2, o.Eps, o.GradScale}
	b.parallelBlocks(len(pf), elementGrain, func(lo, hi int) {
		b.kernel.adamW(pf[lo:hi], gf[lo:hi], mf[lo:hi], vf[lo:hi], &s)
	})
}

// adamWScalars are β1, 1-β1, β2, 1-β2, rate·decay, rate, c1, c2, ε and gscale, in the order that the assembly reads.
type adamWScalars [10]float32

func (k *kernel) adamW(p, g, m, v []float32, s *adamWScalars) {
	if k.vector {
		adamWBlocks(p, g, m, v, s)
		return
	}
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	beta1, fresh1, beta2, fresh2, decay, rate, c1, c2, eps, gradScale := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9]
	for i, x := range p {
		grad := g[i] * gradScale
		m1 := float32(beta1*m[i]) + float32(fresh1*grad)
		v1 := float32(beta2*v[i]) + float32(fresh2*(grad*grad))
		m[i], v[i] = m1, v1
		x -= float32(decay * x)
		p[i] = x - rate*(m1/c1)/(float32(math.Sqrt(float64(v1/c2)))+eps)
	}
}

// SGD: p -= rate·(gscale·g + decay·p), through heavy-ball momentum in m unless m is nil.
func (b *Backend) SGD(p, g, m compute.Buf, o compute.SGD) {
	pf, gf := f32(p), f32(g)
	mustHave("sgd: g", len(gf), len(pf))
	s := sgdScalars{o.Rate, o.Momentum, o.Decay, o.GradScale}
	if m == nil {
		b.parallelBlocks(len(pf), lightGrain, func(lo, hi int) { b.kernel.sgd(pf[lo:hi], gf[lo:hi], &s) })
		return
	}
	mf := f32(m)
	mustHave("sgd: m", len(mf), len(pf))
	b.parallelBlocks(len(pf), lightGrain, func(lo, hi int) { b.kernel.sgdMomentum(pf[lo:hi], gf[lo:hi], mf[lo:hi], &s) })
}

// sgdScalars are rate, momentum, decay and gscale, in the order that the assembly reads.
type sgdScalars [4]float32

func (k *kernel) sgd(p, g []float32, s *sgdScalars) {
	if k.vector {
		sgdBlocks(p, g, s)
		return
	}
	g = g[:len(p)]
	for i := range p {
		step := float32(s[3]*g[i]) + float32(s[2]*p[i])
		p[i] -= float32(s[0] * step)
	}
}

func (k *kernel) sgdMomentum(p, g, m []float32, s *sgdScalars) {
	if k.vector {
		sgdMomentumBlocks(p, g, m, s)
		return
	}
	g, m = g[:len(p)], m[:len(p)]
	for i := range p {
		step := float32(s[3]*g[i]) + float32(s[2]*p[i])
		step += float32(s[1] * m[i])
		m[i] = step
		p[i] -= float32(s[0] * step)
	}
}
