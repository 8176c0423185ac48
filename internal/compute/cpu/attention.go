package cpu

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// stackedRows is about how many (row, query head) pairs share one pass over the keys of their key-value head: six of
// the largest matrix tiles, for any ratio of heads that divides it.
const stackedRows = 6 * maxTileRows

// tileRows is the number of rows of a tile.
func tileRows(h compute.Heads) int { return max(1, stackedRows*h.KV/h.Q) }

// attention is one call of Attention.
type attention struct {
	b      *Backend
	out, q buf
	segs   []compute.Segment
}

// Attention: out[r] = softmax(q·kᵀ/√D)·v over the rows each segment says.
func (b *Backend) Attention(out, q, k, v compute.Buf, segs []compute.Segment, h compute.Heads) {
	mustHave("attention: out", out.Len(), q.Len())
	mustHave("attention: v", v.Len(), k.Len())
	mustHave("attention: q", q.Len()*h.KV, k.Len()*h.Q)
	p := &b.pages
	p.layout(segs, h)
	p.keys.f = b.packAs(p.keys.f, p, k, true)
	p.values.f = b.packAs(p.values.f, p, v, false)
	p.cut(segs)
	b.forward = attention{b, *out.(*buf), *q.(*buf), segs}
	b.each(len(p.tiles), &b.forward)
	b.forward = attention{}
}

func (c *attention) piece(worker, i int) {
	s, p := &c.b.attending[worker], &c.b.pages
	t := p.tiles[i]
	s.see(p.tables[t.seg], c.segs[t.seg].PrefixLen+t.from, t.rows)
	c.b.attend(s, &c.out, &c.q, c.segs[t.seg].Start+t.from, &p.pages, t.head)
}

// see sets a tile's tables: row i sees the first pos+i+1 positions of one table.
func (s *attendScratch) see(table []int32, pos, rows int) {
	s.tables, s.n = s.tables[:0], s.n[:0]
	for i := range rows {
		s.tables = append(s.tables, table)
		s.n = append(s.n, int32(pos+i+1))
	}
}

// attend computes the rows from, from+1, … of out for one key-value head. s.tables and s.n say what each row sees:
// the first n positions of its pages. It is the only forward pass of attention, so that a row has the same bits
// whether its keys came from a segment or from the cache.
func (b *Backend) attend(s *attendScratch, out, q *buf, from int, p *pages, head int) {
	g, d := p.h.Q/p.h.KV, p.h.D
	b.scores(s, q, from, p, head)
	s.out = b.grown(s.out, len(s.n)*g*p.dp)
	b.mix(s.out, s, s.s, p, p.values, head)
	for m, inv := range s.inv {
		at := ((from+m/g)*p.h.Q + head*g + m%g) * d
		sums := s.out[m*p.dp:][:d]
		b.kernel.scale(sums, inv)
		if out.h != nil {
			b.kernel.halve(out.h[at:][:d], sums)
		} else {
			copy(out.f[at:][:d], sums)
		}
	}
}

// scores leaves e^(score-max) of the tile in s.s [M, s.ld] and the inverse of each row's sum in s.inv. Masked positions
// of a row's last page hold exactly 0; the pages after it are not to be read.
func (b *Backend) scores(s *attendScratch, q *buf, from int, p *pages, head int) {
	g, d := p.h.Q/p.h.KV, p.h.D
	rows := len(s.n)
	s.q = b.gatherRows(s.q, q, from, rows, p.h, head, float32(1/math.Sqrt(float64(d))))
	s.ld = leading(s.n)
	s.s = b.grown(s.s, rows*g*s.ld)
	b.againstRows(s.s, s, s.q, p, p.keys, head)
	s.inv = b.grown(s.inv, rows*g)
	for m := range s.inv {
		s.inv[m] = 1 / b.kernel.softmaxTop(s.s[m*s.ld:][:s.ld], int(s.n[m/g]))
	}
}

// softmaxTop replaces the first n numbers by e^(x-max), the rest of their page by 0, and returns the sum.
func (k *kernel) softmaxTop(x []float32, n int) float32 {
	masked := x[n:padded(n)]
	for i := range masked {
		masked[i] = negInf // whole blocks are faster; e^-Inf = 0 changes no sum
	}
	x = x[:padded(n)]
	sum := k.expSum(x, k.maximum(x), 1)
	clear(masked) // NaN where a score is NaN
	return sum
}

// leading is the row length of a tile's scores: whole pages, an odd number of them so that a column's elements don't
// share a cache set.
func leading(n []int32) int {
	most := int32(0)
	for _, k := range n {
		most = max(most, k)
	}
	return (panels(int(most)) | 1) * panel
}

// gatherRows stacks the query heads of one key-value head as [rows·G, D], times a.
func (b *Backend) gatherRows(dst []float32, x *buf, from, rows int, h compute.Heads, head int, a float32) []float32 {
	width := h.Q / h.KV * h.D
	dst = b.grown(dst, rows*width)
	for r := range rows {
		at, to := (from+r)*h.Q*h.D+head*width, dst[r*width:][:width]
		if x.h != nil {
			b.kernel.widen(to, x.h[at:])
		} else {
			copy(to, x.f[at:])
		}
	}
	if a != 1 {
		b.kernel.scale(dst, a)
	}
	return dst
}
