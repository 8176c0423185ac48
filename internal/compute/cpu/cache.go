package cpu

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// cache is a paged key-value cache: one set of pages a layer, all with the same page ids.
type cache struct {
	n      int
	layers []pages
	block  []float32 // what layers point into
}

// Pages is the number of pages.
func (c *cache) Pages() int { return c.n }

// NewCache has room for pages·Page positions in each layer, in the precision of activations.
func (b *Backend) NewCache(layers, n int, h compute.Heads) compute.Cache {
	dp := padded(h.D)
	size := n * h.KV * dp * compute.Page
	c := &cache{n: n, layers: make([]pages, layers)}
	var rest pageData
	if b.bf16 {
		c.block = b.free.takeFresh(layers * size)
		rest.h = asHalves(c.block)
	} else {
		c.block = b.free.takeFresh(2 * layers * size)
		rest.f = c.block
	}
	for l := range c.layers {
		at := 2 * l * size
		c.layers[l] = pages{h: h, dp: dp, keys: rest.slice(at, at+size), values: rest.slice(at+size, at+2*size)}
	}
	return c
}

// FreeCache gives the memory back to the system: the next cache has another size, and pages that nobody writes should
// cost nothing.
func (b *Backend) FreeCache(c compute.Cache) {
	cc := c.(*cache)
	b.free.drop(cc.block)
	*cc = cache{}
}

// cacheWrite is one call of CacheWrite.
type cacheWrite struct {
	b    *Backend
	p    *pages
	k, v buf
	refs []compute.RowRef
}

// CacheWrite stores row r of k and v at refs[r].
func (b *Backend) CacheWrite(c compute.Cache, layer int, k, v compute.Buf, refs []compute.RowRef) {
	cc := c.(*cache)
	p := &cc.layers[layer]
	width := p.h.KV * p.h.D
	mustHave("cache write: k", k.Len(), len(refs)*width)
	mustHave("cache write: v", v.Len(), len(refs)*width)
	for r, ref := range refs {
		if ref.Page < 0 || int(ref.Page) >= cc.n || ref.Slot < 0 || ref.Slot >= compute.Page {
			panic(fmt.Sprintf("cpu: cache write: row %d to page %d slot %d, want pages [0, %d) slots [0, %d)",
				r, ref.Page, ref.Slot, cc.n, compute.Page))
		}
	}
	b.writing = cacheWrite{b, p, *k.(*buf), *v.(*buf), refs}
	b.spread(len(refs), rowGrain(width), &b.writing)
	b.writing = cacheWrite{}
}

func (w *cacheWrite) span(worker, lo, hi int) {
	s, p, d := &w.b.attending[worker], w.p, w.p.h.D
	s.wide = w.b.grown(s.wide, d)
	for r := lo; r < hi; r++ {
		slot := int(w.refs[r].Slot)
		for head := range p.h.KV {
			from, to := (r*p.h.KV+head)*d, p.at(w.refs[r].Page, head)
			if p.keys.h != nil {
				packAcross(p.keys.h[to:][:p.size()], slot, w.k.halves(w.b.kernel, from, d, s.wide))
				packAlong(p.values.h[to:][:p.size()], slot, compute.Page, w.v.halves(w.b.kernel, from, d, s.wide))
				continue
			}
			packAcross(p.keys.f[to:][:p.size()], slot, w.k.floats(w.b.kernel, from, d, s.wide))
			packAlong(p.values.f[to:][:p.size()], slot, compute.Page, w.v.floats(w.b.kernel, from, d, s.wide))
		}
	}
}

// floats gives n elements in float32: in place, or widened into wide.
func (b *buf) floats(k *kernel, from, n int, wide []float32) []float32 {
	if b.h == nil {
		return b.f[from:][:n]
	}
	wide = wide[:n]
	k.widen(wide, b.h[from:])
	return wide
}

// halves gives n elements in bf16: in place, or rounded into room for n float32.
func (b *buf) halves(k *kernel, from, n int, room []float32) []uint16 {
	if b.h != nil {
		return b.h[from:][:n]
	}
	to := asHalves(room)[:n]
	k.halve(to, b.f[from:])
	return to
}

// CacheClear zeroes a page in every layer.
func (b *Backend) CacheClear(c compute.Cache, page int32) {
	for l := range c.(*cache).layers {
		p := &c.(*cache).layers[l]
		from, to := p.at(page, 0), p.at(page+1, 0)
		p.keys.clear(from, to)
		p.values.clear(from, to)
	}
}

// CacheCopy copies page src to dst in every layer.
func (b *Backend) CacheCopy(c compute.Cache, dst, src int32) {
	for l := range c.(*cache).layers {
		p := &c.(*cache).layers[l]
		to, from, n := p.at(dst, 0), p.at(src, 0), p.at(1, 0)
		p.keys.copy(to, from, n)
		p.values.copy(to, from, n)
	}
}

// cacheAttention is one call of CacheAttention.
type cacheAttention struct {
	b      *Backend
	p      *pages
	out, q buf
	tables [][]int32
	n      []int32
	tile   int // rows of a tile
}

// CacheAttention: row r of q sees the first n[r] positions of the pages tables[r].
func (b *Backend) CacheAttention(out, q compute.Buf, c compute.Cache, layer int, tables [][]int32, n []int32, h compute.Heads) {
	rows := len(tables)
	mustHave("cache attention: n", len(n), rows)
	mustHave("cache attention: q", q.Len(), rows*h.Q*h.D)
	mustHave("cache attention: out", out.Len(), rows*h.Q*h.D)
	p := &c.(*cache).layers[layer]
	if p.h != h {
		panic(fmt.Sprintf("cpu: cache attention: heads %+v, want the cache's %+v", h, p.h))
	}
	for r, k := range n {
		if k < 1 || int(k) > len(tables[r])*compute.Page {
			panic(fmt.Sprintf("cpu: cache attention: row %d sees %d positions, want 1 to %d", r, k, len(tables[r])*compute.Page))
		}
	}
	tile := min(tileRows(h), max(1, ceilDiv(rows*h.KV, b.threads))) // few rows: a tile for every thread
	b.decoding = cacheAttention{b, p, *out.(*buf), *q.(*buf), tables, n, tile}
	b.each(ceilDiv(rows, tile)*h.KV, &b.decoding)
	b.decoding = cacheAttention{}
}

func (c *cacheAttention) piece(worker, i int) {
	s := &c.b.attending[worker]
	from := i / c.p.h.KV * c.tile
	to := min(len(c.tables), from+c.tile)
	s.tables = append(s.tables[:0], c.tables[from:to]...)
	s.n = append(s.n[:0], c.n[from:to]...)
	c.b.attend(s, &c.out, &c.q, from, c.p, i%c.p.h.KV)
}
