package computetest

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// tokens are the inputs of one attention call.
type tokens struct{ q, k, v []float32 }

func drawTokens(seed uint64, rows int, h compute.Heads) tokens {
	return tokens{normal(seed, rows*h.Q*h.D), normal(seed+1, rows*h.KV*h.D), normal(seed+2, rows*h.KV*h.D)}
}

func attentionKernels(l layout, h compute.Heads) []kernel {
	size := fmt.Sprintf(" %s Q%d KV%d D%d", l.name, h.Q, h.KV, h.D)
	rows := l.rows()
	in := drawTokens(10, rows, h)
	freq := []float32{1, 0.3, 0.05, 0.001, 1, 0.3, 0.05, 0.001}
	for len(freq) < h.D/2 {
		freq = append(freq, freq...)
	}
	freq = freq[:h.D/2]
	rope := func(inverse bool) func(e *env) [][]float32 {
		return func(e *env) [][]float32 {
			x := e.buf(in.q)
			e.b.RoPE(x, l.positions(), h.Q, h.D, freq, inverse)
			return [][]float32{e.read(x)}
		}
	}
	return []kernel{
		{"rope" + size, 1e-6, rope(false)},
		{"rope inverse" + size, 1e-6, rope(true)},
		{"attention" + size, 2e-6, func(e *env) [][]float32 {
			return [][]float32{attention(e, in, l.segs, h)}
		}},
		{"attention gradient" + size, 1e-5, func(e *env) [][]float32 {
			return attentionGrad(e, in, l.segs, h, normal(20, rows*h.Q*h.D))
		}},
		{"cache attention" + size, 2e-6, func(e *env) [][]float32 {
			return [][]float32{fromCache(e, in, l, h)}
		}},
	}
}

func attention(e *env, in tokens, segs []compute.Segment, h compute.Heads) []float32 {
	out := e.random(99, len(in.q))
	e.b.Attention(out, e.buf(in.q), e.buf(in.k), e.buf(in.v), segs, h)
	return e.read(out)
}

// attentionGrad gives dq, dk, dv on top of numbers that are already there.
func attentionGrad(e *env, in tokens, segs []compute.Segment, h compute.Heads, dout []float32) [][]float32 {
	q, k, v := e.buf(in.q), e.buf(in.k), e.buf(in.v)
	out := e.zeros(len(in.q))
	e.b.Attention(out, q, k, v, segs, h)
	dq, dk, dv := e.random(21, len(in.q)), e.random(22, len(in.k)), e.random(23, len(in.v))
	e.b.AttentionGrad(dq, dk, dv, e.buf(dout), out, q, k, v, segs, h)
	return [][]float32{e.read(dq), e.read(dk), e.read(dv)}
}

// paging is where a layout's keys and values go in a cache.
type paging struct {
	pages  int
	refs   []compute.RowRef // by row
	tables [][]int32        // by row
	n      []int32          // by row
	copies [][2]int32       // dst, src, before the row in at is written
	at     []int
}

// pageOut gives the segments of a layout pages as a scheduler would: full pages of a prefix are shared, a page that
// straddles prefix and segment is copied and then written on.
func pageOut(l layout) paging {
	p := paging{refs: make([]compute.RowRef, l.rows()), tables: make([][]int32, l.rows()), n: make([]int32, l.rows())}
	p.pages = 1 // page 0 is never used
	byStart := map[int][]int32{}
	for _, s := range l.segs {
		var table []int32
		if s.PrefixLen > 0 {
			full := s.PrefixLen / compute.Page
			table = append(table, byStart[s.Prefix][:full]...)
			if s.PrefixLen%compute.Page != 0 {
				p.copies = append(p.copies, [2]int32{int32(p.pages), byStart[s.Prefix][full]})
				p.at = append(p.at, s.Start)
				table = append(table, int32(p.pages))
				p.pages++
			}
		}
		for len(table)*compute.Page < s.PrefixLen+s.Len {
			table = append(table, int32(p.pages))
			p.pages++
		}
		byStart[s.Start] = table
		for i := range s.Len {
			pos, r := s.PrefixLen+i, s.Start+i
			p.refs[r] = compute.RowRef{Page: table[pos/compute.Page], Slot: int32(pos % compute.Page)}
			p.tables[r], p.n[r] = table, int32(pos+1)
		}
	}
	return p
}

// fromCache writes row after row to the second of two layers of a cache and attends from there, all rows in one call
// at the end.
func fromCache(e *env, in tokens, l layout, h compute.Heads) []float32 {
	p := pageOut(l)
	c := e.b.NewCache(2, p.pages, h)
	defer e.b.FreeCache(c)
	p.write(e, c, in, h, func(int) {})
	out := e.random(98, len(in.q))
	e.b.CacheAttention(out, e.buf(in.q), c, 1, p.tables, p.n, h)
	return e.read(out)
}

// write fills the cache row by row and calls each after every row.
func (p paging) write(e *env, c compute.Cache, in tokens, h compute.Heads, each func(row int)) {
	k, v := e.buf(in.k), e.buf(in.v)
	width := h.KV * h.D
	for r := range p.refs {
		for i, at := range p.at {
			if at == r {
				e.b.CacheCopy(c, p.copies[i][0], p.copies[i][1])
			}
		}
		from, to := r*width, (r+1)*width
		e.b.CacheWrite(c, 1, e.b.Slice(k, from, to), e.b.Slice(v, from, to), p.refs[r:r+1])
		each(r)
	}
}
