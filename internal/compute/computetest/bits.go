package computetest

import (
	"fmt"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// perRow is a call whose rows must not know of each other: run gets the rows [from, to) of a batch.
type perRow struct {
	name  string
	width int // floats of a result row
	run   func(e *env, from, to int) []float32
}

// rowsAlone wants every row of a batch to have the same bits when it is computed alone, or in pairs.
func rowsAlone(t *testing.T, b compute.Backend) {
	const rows = 41
	for _, p := range perRows(rows) {
		t.Run(p.name, func(t *testing.T) {
			e := &env{t: t, b: b}
			defer e.close()
			all := p.run(e, 0, rows)
			for _, size := range []int{1, 2, 15} {
				for r := 0; r+size <= rows; r += size {
					sameBits(t, fmt.Sprintf("rows %d to %d of %d", r, r+size-1, rows),
						p.run(e, r, r+size), all[r*p.width:(r+size)*p.width])
				}
			}
		})
	}
}

func perRows(rows int) []perRow {
	const n, k, v = 50, 133, 611
	x, dy, g, w := normal(1, rows*k), normal(2, rows*n), normal(3, k), normal(4, n*k)
	z := logits(5, rows, v)
	pos, target := make([]int32, rows), make([]int32, rows)
	for r := range pos {
		pos[r], target[r] = int32(r*r), int32(r*37%v)
	}
	cut := func(e *env, x []float32, width, from, to int) compute.Buf { return e.buf(x[from*width : to*width]) }
	return []perRow{
		{"matmul", n, func(e *env, from, to int) []float32 {
			y := e.zeros((to - from) * n)
			e.b.MatMul(y, cut(e, x, k, from, to), e.weight(n, k, w), to-from, false)
			return e.read(y)
		}},
		{"matmul gradient x", k, func(e *env, from, to int) []float32 {
			dx := e.zeros((to - from) * k)
			e.b.MatMulGradX(dx, cut(e, dy, n, from, to), e.weight(n, k, w), to-from, false)
			return e.read(dx)
		}},
		{"rmsnorm", k, func(e *env, from, to int) []float32 {
			y := e.zeros((to - from) * k)
			e.b.RMSNorm(y, cut(e, x, k, from, to), e.buf(g), to-from, 1e-6)
			return e.read(y)
		}},
		{"rmsnorm gradient", k, func(e *env, from, to int) []float32 {
			dx := e.zeros((to - from) * k)
			e.b.RMSNormGrad(dx, nil, cut(e, x, k, from, to), cut(e, x, k, from, to), e.buf(g), to-from, 1e-6)
			return e.read(dx)
		}},
		{"rope", k - 1, func(e *env, from, to int) []float32 {
			y := cut(e, x, k-1, from, to)
			e.b.RoPE(y, pos[from:to], 22, 6, []float32{1, 0.2, 0.01}, false)
			return e.read(y)
		}},
		{"swiglu", k, func(e *env, from, to int) []float32 {
			y := e.zeros((to - from) * k)
			e.b.SwiGLU(y, cut(e, x, k, from, to), cut(e, x, k, from, to))
			return e.read(y)
		}},
		{"token stats", 3, func(e *env, from, to int) []float32 {
			s := e.b.TokenStats(cut(e, z, v, from, to), v, 0.9, target[from:to])
			var out []float32
			for r := range s.LogP {
				out = append(out, s.LogP[r], s.Entropy[r], s.SumP2[r])
			}
			return out
		}},
		{"token stats gradient", v, func(e *env, from, to int) []float32 {
			y := cut(e, z, v, from, to)
			e.b.TokenStatsGrad(y, v, 0.9, target[from:to], x[from:to], dy[from:to])
			return e.read(y)
		}},
	}
}

// cacheSameBits wants the bits of Attention from the cache: all rows at the end, and each row when its page is just
// filled up to it.
func cacheSameBits(t *testing.T, b compute.Backend) {
	for _, h := range headShapes {
		for _, l := range layouts {
			t.Run(fmt.Sprintf("%s Q%d KV%d D%d", l.name, h.Q, h.KV, h.D), func(t *testing.T) {
				e := &env{t: t, b: b}
				defer e.close()
				in := drawTokens(10, l.rows(), h)
				want := attention(e, in, l.segs, h)
				sameBits(t, "attention from the full cache", fromCache(e, in, l, h), want)
				got := decode(e, in, l, h)
				sameBits(t, "attention row by row", got, want)
			})
		}
	}
}

// decode attends to every row right after it is written, in pages that were used before and cleared.
func decode(e *env, in tokens, l layout, h compute.Heads) []float32 {
	p := pageOut(l)
	c := e.b.NewCache(2, p.pages, h)
	defer e.b.FreeCache(c)
	if c.Pages() != p.pages {
		e.t.Errorf("cache has %d pages, want %d", c.Pages(), p.pages)
	}
	soil(e, c, h)
	width := h.Q * h.D
	q, out := e.buf(in.q), e.zeros(len(in.q))
	p.write(e, c, in, h, func(r int) {
		from, to := r*width, (r+1)*width
		e.b.CacheAttention(e.b.Slice(out, from, to), e.b.Slice(q, from, to), c, 1, p.tables[r:r+1], p.n[r:r+1], h)
	})
	return e.read(out)
}

// soil fills every page with NaN in both layers, then clears it.
func soil(e *env, c compute.Cache, h compute.Heads) {
	bad := e.buf(nans(compute.Page * h.KV * h.D))
	refs := make([]compute.RowRef, compute.Page)
	for page := range int32(c.Pages()) {
		for slot := range refs {
			refs[slot] = compute.RowRef{Page: page, Slot: int32(slot)}
		}
		for layer := range 2 {
			e.b.CacheWrite(c, layer, bad, bad, refs)
		}
		e.b.CacheClear(c, page)
	}
}

// splitSameBits wants gradients to have the same bits when a batch is cut between prompt groups.
func splitSameBits(t *testing.T, b compute.Backend) {
	t.Run("attention", func(t *testing.T) {
		for _, h := range headShapes {
			splitAttention(t, b, h)
		}
	})
	const rows, n, k = 37, 21, 70
	x, dy, g := normal(1, rows*k), normal(2, rows*n), normal(3, k)
	cuts := [][]int{{0, rows}, {0, 1, rows}, {0, 16, 17, rows}, {0, 9, 18, 27, rows}}
	sums := map[string]func(e *env, cuts []int) []float32{
		"matmul gradient w": func(e *env, cuts []int) []float32 {
			dw := e.weight(n, k, normal(4, n*k))
			for i := range cuts[1:] {
				lo, hi := cuts[i], cuts[i+1]
				e.b.MatMulGradW(dw, e.buf(dy[lo*n:hi*n]), e.buf(x[lo*k:hi*k]), []int{hi - lo})
			}
			return e.readWeight(dw)
		},
		"rmsnorm gradient": func(e *env, cuts []int) []float32 {
			dg := e.buf(normal(5, k))
			for i := range cuts[1:] {
				lo, hi := cuts[i], cuts[i+1]
				part := e.buf(x[lo*k : hi*k])
				e.b.RMSNormGrad(e.zeros((hi-lo)*k), dg, part, part, e.buf(g), hi-lo, 1e-5)
			}
			return e.read(dg)
		},
		"gather add": func(e *env, cuts []int) []float32 {
			slots := make([]int32, rows)
			for r := range slots {
				slots[r] = int32(r * r % 5)
			}
			acc := e.buf(normal(6, 5*k))
			for i := range cuts[1:] {
				lo, hi := cuts[i], cuts[i+1]
				e.b.GatherAdd(acc, e.buf(x[lo*k:hi*k]), slots[lo:hi], k)
			}
			return e.read(acc)
		},
	}
	for name, sum := range sums {
		t.Run(name, func(t *testing.T) {
			e := &env{t: t, b: b}
			defer e.close()
			want := sum(e, cuts[0])
			for _, c := range cuts[1:] {
				sameBits(t, fmt.Sprintf("rows cut at %v", c), sum(e, c), want)
			}
		})
	}
}

// splitAttention runs the layout "two groups" at once and group by group.
func splitAttention(t *testing.T, b compute.Backend, h compute.Heads) {
	e := &env{t: t, b: b}
	defer e.close()
	first := []compute.Segment{seg(0, 16), after(0, 16, 16, 1), after(0, 16, 17, 17)}
	second := []compute.Segment{seg(0, 33), after(0, 33, 33, 2), after(0, 33, 35, 16)}
	both := append([]compute.Segment{}, first...)
	for _, s := range second {
		s.Start += 34
		if s.PrefixLen > 0 {
			s.Prefix += 34
		}
		both = append(both, s)
	}
	const rows, cutRow = 34 + 51, 34
	in, dout := drawTokens(10, rows, h), normal(20, rows*h.Q*h.D)
	q, kv := cutRow*h.Q*h.D, cutRow*h.KV*h.D
	whole := grads(e, in, h, dout, both)
	parts := [][][]float32{
		grads(e, tokens{in.q[:q], in.k[:kv], in.v[:kv]}, h, dout[:q], first),
		grads(e, tokens{in.q[q:], in.k[kv:], in.v[kv:]}, h, dout[q:], second),
	}
	var oneByOne [][]compute.Segment // flat order also inside a group
	for _, s := range both {
		oneByOne = append(oneByOne, []compute.Segment{s})
	}
	single := grads(e, in, h, dout, oneByOne...)
	for i, name := range []string{"out", "dq", "dk", "dv"} {
		what := fmt.Sprintf("%s of Q%d KV%d D%d", name, h.Q, h.KV, h.D)
		sameBits(t, what+", group by group", append(parts[0][i], parts[1][i]...), whole[i])
		sameBits(t, what+", segment by segment", single[i], whole[i])
	}
}

// grads gives out and the gradients from zero, in one call for each list of segments.
func grads(e *env, in tokens, h compute.Heads, dout []float32, calls ...[]compute.Segment) [][]float32 {
	q, k, v := e.buf(in.q), e.buf(in.k), e.buf(in.v)
	out, dq, dk, dv := e.zeros(len(in.q)), e.zeros(len(in.q)), e.zeros(len(in.k)), e.zeros(len(in.v))
	d := e.buf(dout)
	for _, segs := range calls {
		e.b.Attention(out, q, k, v, segs, h)
		e.b.AttentionGrad(dq, dk, dv, d, out, q, k, v, segs, h)
	}
	return [][]float32{e.read(out), e.read(dq), e.read(dk), e.read(dv)}
}
