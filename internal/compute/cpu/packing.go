package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// packing is one call of packAs.
type packing struct {
	b      *Backend
	p      *segmentPages
	dst    []float32
	x      buf // [R, KV·D]
	across bool
}

// packAs fills dst with the rows of x [R, KV·D], packed like keys (across) or like values.
func (b *Backend) packAs(dst []float32, p *segmentPages, x compute.Buf, across bool) []float32 {
	size := p.h.KV * p.size()
	dst = b.grown(dst, len(p.rows)*size)
	b.packs = packing{b, p, dst, *x.(*buf), across}
	b.spread(len(p.rows), max(1, elementGrain/max(1, size)), &b.packs)
	b.packs = packing{}
	return dst
}

func (c *packing) span(worker, lo, hi int) {
	s, p, d := &c.b.attending[worker], c.p, c.p.h.D
	s.wide = c.b.grown(s.wide, d)
	for page := lo; page < hi; page++ {
		whole := p.dp == d && p.rows[page][compute.Page-1] >= 0 // then every element is written
		for head := range p.h.KV {
			to, height := c.dst[p.at(int32(page), head):][:p.size()], compute.Page
			if !c.across {
				to, height = p.column(c.b.kernel, pageData{f: c.dst}, int32(page), head, nil)
			}
			if !whole {
				for q := range p.dp / panel {
					clear(to[q*height*panel:][:compute.Page*panel])
				}
			}
			for slot, r := range p.rows[page] {
				if r < 0 {
					continue
				}
				row := c.x.floats(c.b.kernel, (int(r)*p.h.KV+head)*d, d, s.wide)
				if c.across {
					packAcross(to, slot, row)
				} else {
					packAlong(to, slot, height, row)
				}
			}
		}
	}
}

// headRows is one call of byHead.
type headRows struct {
	p        *segmentPages
	heads, x []float32 // [KV, R, Dp] and [R, KV·D]
	rows     int
	back     bool
}

// byHead copies x [R, KV·D] to heads [KV, R, Dp], or back.
func (b *Backend) byHead(heads, x []float32, rows int, p *segmentPages, back bool) []float32 {
	if !back {
		heads = b.grown(heads, p.h.KV*rows*p.dp)
	}
	b.heads = headRows{p, heads, x, rows, back}
	b.spread(rows, rowGrain(p.h.KV*p.h.D), &b.heads)
	b.heads = headRows{}
	return heads
}

func (c *headRows) span(_, lo, hi int) {
	h, dp := c.p.h, c.p.dp
	for r := lo; r < hi; r++ {
		for head := range h.KV {
			row, x := c.heads[(head*c.rows+r)*dp:][:dp], c.x[(r*h.KV+head)*h.D:][:h.D]
			if c.back {
				copy(x, row)
			} else {
				clear(row[copy(row, x):])
			}
		}
	}
}
