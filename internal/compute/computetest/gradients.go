package computetest

import (
	"fmt"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/ref"
)

const (
	fdStep    = 1e-5 // of the central differences; their error is about 1e-9 on inputs near 1
	fdWithin  = 1e-5 // of a gradient's largest element, for float32 backends
	refWithin = 1e-6 // for ref, whose results are rounded to float32 when they are read
	fdPoints  = 30   // about how many elements of one input are moved
)

// slope is a function of some inputs, forward on ref and backward on the backend under test.
type slope struct {
	name     string
	in       [][]float32
	forward  func(b *ref.Backend, in []compute.Buf) []float64
	backward func(e *env, in [][]float32, dout []float32) [][]float32 // one gradient an input
}

// gradients compares every backward pass with central finite differences of L = Σ dout·forward.
func gradients(t *testing.T, b compute.Backend) {
	within := fdWithin
	if _, ok := b.(*ref.Backend); ok {
		within = refWithin
	}
	for _, s := range slopes() {
		t.Run(s.name, func(t *testing.T) { s.check(t, b, within) })
	}
}

func (s slope) check(t *testing.T, b compute.Backend, within float64) {
	r := ref.New()
	e := &env{t: t, b: r}
	var in []compute.Buf
	for _, x := range s.in {
		in = append(in, e.buf(x))
	}
	dout := normal(1000, len(s.forward(r, in)))
	loss := func() float64 {
		sum := 0.0
		for i, y := range s.forward(r, in) {
			sum += float64(dout[i]) * y
		}
		return sum
	}
	under := &env{t: t, b: b}
	defer under.close()
	got := s.backward(under, s.in, dout)
	for i, x := range in {
		var some, want []float32
		data := ref.Data(x)
		for j := 0; j < len(data); j += 1 + len(data)/fdPoints {
			at := data[j]
			data[j] = at + fdStep
			up := loss()
			data[j] = at - fdStep
			want = append(want, float32((up-loss())/(2*fdStep)))
			data[j] = at
			some = append(some, got[i][j])
		}
		near(t, fmt.Sprintf("gradient of input %d", i), append(some, 1), append(want, 1), within) // 1: gradients may all be 0
	}
}

// grown gives a gradient buffer that isn't zero at first, and what was added to it.
func (e *env) grown(seed uint64, n int) (compute.Buf, func() []float32) {
	b := e.random(seed, n)
	return b, func() []float32 {
		out := e.read(b)
		for i, v := range normal(seed, n) {
			out[i] -= v
		}
		return out
	}
}

func slopes() []slope {
	all := []slope{matMulSlope(), embedSlope(), normSlope(), swiGLUSlope(), ropeSlope()}
	for _, h := range headShapes {
		for _, l := range layouts {
			if l.rows() <= 70 {
				all = append(all, attentionSlope(l, h))
			}
		}
	}
	for _, temperature := range []float32{1, 0.7, 2.5} {
		all = append(all, statsSlope(temperature))
	}
	return all
}

func matMulSlope() slope {
	const rows, n, k = 5, 19, 23
	return slope{
		name: "matmul", in: [][]float32{normal(1, rows*k), normal(2, n*k)},
		forward: func(b *ref.Backend, in []compute.Buf) []float64 {
			y := b.Alloc(rows * n)
			b.MatMul(y, in[0], compute.Weight{N: n, K: k, Data: in[1]}, rows, false)
			return ref.Data(y)
		},
		backward: func(e *env, in [][]float32, dout []float32) [][]float32 {
			dx, added := e.grown(3, rows*k)
			dw := e.weight(n, k, make([]float32, n*k))
			e.b.MatMulGradX(dx, e.buf(dout), e.weight(n, k, in[1]), rows, true)
			e.b.MatMulGradW(dw, e.buf(dout), e.buf(in[0]), []int{rows})
			return [][]float32{added(), e.readWeight(dw)}
		},
	}
}

// embedSlope looks rows up, one of them twice; the gradient is gathered by distinct row and then added.
func embedSlope() slope {
	const v, h = 19, 21
	ids, slots, distinct := []int32{3, 18, 3, 0}, []int32{0, 1, 0, 2}, []int32{3, 18, 0}
	return slope{
		name: "embed", in: [][]float32{normal(4, v*h)},
		forward: func(b *ref.Backend, in []compute.Buf) []float64 {
			y := b.Alloc(len(ids) * h)
			b.Embed(y, compute.Weight{N: v, K: h, Data: in[0]}, ids)
			return ref.Data(y)
		},
		backward: func(e *env, in [][]float32, dout []float32) [][]float32 {
			acc, dw := e.zeros(len(distinct)*h), e.weight(v, h, make([]float32, v*h))
			e.b.GatherAdd(acc, e.buf(dout), slots, h)
			e.b.AddRows(dw, acc, distinct)
			return [][]float32{e.readWeight(dw)}
		},
	}
}

func normSlope() slope {
	const rows, h, eps = 4, 37, 1e-2
	return slope{
		name: "rmsnorm", in: [][]float32{normal(5, rows*h), normal(6, h)},
		forward: func(b *ref.Backend, in []compute.Buf) []float64 {
			y := b.Alloc(rows * h)
			b.RMSNorm(y, in[0], in[1], rows, eps)
			return ref.Data(y)
		},
		backward: func(e *env, in [][]float32, dout []float32) [][]float32 {
			dx, addedX := e.grown(7, rows*h)
			dg, addedG := e.grown(8, h)
			e.b.RMSNormGrad(dx, dg, e.buf(dout), e.buf(in[0]), e.buf(in[1]), rows, eps)
			return [][]float32{addedX(), addedG()}
		},
	}
}

func swiGLUSlope() slope {
	const n = 61
	return slope{
		name: "swiglu", in: [][]float32{normal(9, n), normal(10, n)},
		forward: func(b *ref.Backend, in []compute.Buf) []float64 {
			y := b.Alloc(n)
			b.SwiGLU(y, in[0], in[1])
			return ref.Data(y)
		},
		backward: func(e *env, in [][]float32, dout []float32) [][]float32 {
			dgate, dup := e.random(11, n), e.random(12, n) // overwritten
			e.b.SwiGLUGrad(dgate, dup, e.buf(dout), e.buf(in[0]), e.buf(in[1]))
			return [][]float32{e.read(dgate), e.read(dup)}
		},
	}
}

func ropeSlope() slope {
	pos, freq := []int32{0, 1, 17, 2047}, []float32{1, 0.1, 0.01}
	const heads, d = 2, 6
	n := len(pos) * heads * d
	return slope{
		name: "rope", in: [][]float32{normal(13, n)},
		forward: func(b *ref.Backend, in []compute.Buf) []float64 {
			y := b.Alloc(n)
			b.Copy(y, in[0])
			b.RoPE(y, pos, heads, d, freq, false)
			return ref.Data(y)
		},
		backward: func(e *env, in [][]float32, dout []float32) [][]float32 {
			dx := e.buf(dout)
			e.b.RoPE(dx, pos, heads, d, freq, true)
			return [][]float32{e.read(dx)}
		},
	}
}

func attentionSlope(l layout, h compute.Heads) slope {
	x := drawTokens(14, l.rows(), h)
	return slope{
		name: fmt.Sprintf("attention %s Q%d KV%d D%d", l.name, h.Q, h.KV, h.D), in: [][]float32{x.q, x.k, x.v},
		forward: func(b *ref.Backend, in []compute.Buf) []float64 {
			out := b.Alloc(in[0].Len())
			b.Attention(out, in[0], in[1], in[2], l.segs, h)
			return ref.Data(out)
		},
		backward: func(e *env, in [][]float32, dout []float32) [][]float32 {
			got := attentionGrad(e, tokens{in[0], in[1], in[2]}, l.segs, h, dout)
			for i, g := range got { // attentionGrad starts from these numbers
				for j, v := range normal(uint64(21+i), len(g)) {
					g[j] -= v
				}
			}
			return got
		},
	}
}

func statsSlope(temperature float32) slope {
	const rows, v = 3, 45
	target := []int32{0, 44, 17}
	return slope{
		name: fmt.Sprintf("token stats T%g", temperature), in: [][]float32{normal(17, rows*v)},
		forward: func(b *ref.Backend, in []compute.Buf) []float64 {
			var out []float64 // log-probs of all rows, then entropies
			stats := ref.Stats(in[0], v, temperature, target)
			for _, s := range stats {
				out = append(out, s.LogP)
			}
			for _, s := range stats {
				out = append(out, s.Entropy)
			}
			return out
		},
		backward: func(e *env, in [][]float32, dout []float32) [][]float32 {
			x := e.buf(in[0])
			e.b.TokenStatsGrad(x, v, temperature, target, dout[:rows], dout[rows:])
			return [][]float32{e.read(x)}
		},
	}
}
