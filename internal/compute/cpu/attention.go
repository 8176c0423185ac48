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

// Attention: out[r] = softmax(q·kᵀ/√D)·v over the rows each segment says.
func (b *Backend) Attention(out, q, k, v compute.Buf, segs []compute.Segment, h compute.Heads) {
	of, qf, kf, vf := f32(out), f32(q), f32(k), f32(v)
	mustHave("attention: out", len(of), len(qf))
	mustHave("attention: v", len(vf), len(kf))
	mustHave("attention: q", len(qf)*h.KV, len(kf)*h.Q)
	p := &b.pages
	p.layout(segs, h)
	p.keys = b.packAs(p.keys, p, kf, true)
	p.values = b.packAs(p.values, p, vf, false)
	p.tiles = p.tiles[:0]
	for i, s := range segs {
		for head := range h.KV {
			p.tiles = appendTiles(p.tiles, i, s.Len, head, tileRows(h))
		}
	}
	b.parallel(len(p.tiles), 1, func(lo, hi int) {
		s := b.getScratch()
		defer b.putScratch(s)
		for _, t := range p.tiles[lo:hi] {
			s.see(p.tables[t.seg], segs[t.seg].PrefixLen+t.from, t.rows)
			b.attend(s, of, qf, segs[t.seg].Start+t.from, &p.pages, t.head)
		}
	})
}

// appendTiles cuts a segment's rows into tiles.
func appendTiles(tiles []tile, seg, length, head, height int) []tile {
	for from := 0; from < length; from += height {
		tiles = append(tiles, tile{seg, from, min(height, length-from), head})
	}
	return tiles
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
func (b *Backend) attend(s *attendScratch, out, q []float32, from int, p *pages, head int) {
	g, d := p.h.Q/p.h.KV, p.h.D
	ld := b.scores(s, q, from, p, head)
	s.out = zeroed(s.out, len(s.n)*g*p.dp)
	b.mix(s.out, s, s.s, ld, p, p.values, head)
	for m, inv := range s.inv {
		row := out[((from+m/g)*p.h.Q+head*g+m%g)*d:][:d]
		for i, v := range s.out[m*p.dp:][:d] {
			row[i] = v * inv
		}
	}
}

// scores leaves e^(score-max) of the tile in s.s [M, ld] and the inverse of each row's sum in s.inv. Masked positions
// of a row's last page hold exactly 0; the pages after it are not to be read.
func (b *Backend) scores(s *attendScratch, q []float32, from int, p *pages, head int) (ld int) {
	g, d := p.h.Q/p.h.KV, p.h.D
	rows := len(s.n)
	s.q = gatherRows(s.q, q, from, rows, p.h, head, float32(1/math.Sqrt(float64(d))))
	ld = leading(s.n)
	s.s = zeroed(s.s, rows*g*ld)
	b.againstRows(s.s, ld, s, s.q, p, p.keys, head)
	s.inv = grown(s.inv, rows*g)
	for m := range s.inv {
		s.inv[m] = 1 / b.kernel.softmaxTop(s.s[m*ld:][:ld], int(s.n[m/g]))
	}
	return ld
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

// againstRows: c[m, position] += Σ_d a[m, d]·x[position, d], where x is packed like keys. a is [M, D].
func (b *Backend) againstRows(c []float32, ld int, s *attendScratch, a []float32, p *pages, x []float32, head int) {
	g, d := p.h.Q/p.h.KV, p.h.D
	for j := 0; j*compute.Page < ld; j++ {
		for lo := 0; lo < len(s.n); {
			hi, ok := run(s, lo, j)
			if ok {
				at := p.at(s.tables[lo][j], head)
				b.mulTile(c[lo*g*ld+j*compute.Page:], ld, a[lo*g*d:], d, 1, x[at:], (hi-lo)*g, d)
			}
			lo = hi
		}
	}
}

// mix: c[m, d] += Σ_position a[m, position]·x[position, d], positions ascending, where x is packed like values.
// c is [M, Dp].
func (b *Backend) mix(c []float32, s *attendScratch, a []float32, ld int, p *pages, x []float32, head int) {
	g := p.h.Q / p.h.KV
	for j := 0; j*compute.Page < ld; j++ {
		for lo := 0; lo < len(s.n); {
			hi, ok := run(s, lo, j)
			if ok {
				at := p.at(s.tables[lo][j], head)
				b.kernel.eachPanel(p.dp, compute.Page, product{
					c0: c[lo*g*p.dp:], ldc: p.dp, a: a[lo*g*ld+j*compute.Page:], rs: ld, cs: 1, b0: x[at:],
					m: (hi - lo) * g, kc: compute.Page, load: true,
				})
			}
			lo = hi
		}
	}
}

// eachPanel runs the product for all panels of a right-hand side [n/16, height, 16], two at a time.
func (k *kernel) eachPanel(n, height int, p product) {
	for n > panel {
		p.c1, p.b1 = p.c0[panel:], p.b0[height*panel:]
		k.run(p)
		if n -= 2 * panel; n == 0 {
			return
		}
		p.c0, p.b0 = p.c0[2*panel:], p.b0[2*height*panel:]
	}
	p.c1, p.b1 = nil, nil
	k.run(p)
}

// run finds the rows lo, lo+1, …, hi-1 that see the same page j of their tables; ok is false for one that sees none.
func run(s *attendScratch, lo, j int) (hi int, ok bool) {
	first := int32(j * compute.Page)
	if s.n[lo] <= first {
		return lo + 1, false
	}
	id := s.tables[lo][j]
	for hi = lo + 1; hi < len(s.n) && s.n[hi] > first && s.tables[hi][j] == id; hi++ {
	}
	return hi, true
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
func gatherRows(dst, x []float32, from, rows int, h compute.Heads, head int, a float32) []float32 {
	width := h.Q / h.KV * h.D
	dst = grown(dst, rows*width)
	for r := range rows {
		src, to := x[(from+r)*h.Q*h.D+head*width:][:width], dst[r*width:][:width]
		for i, v := range src {
			to[i] = v * a
		}
	}
	return dst
}
