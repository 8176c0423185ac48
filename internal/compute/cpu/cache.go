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

// NewCache has room for pages·Page positions in each layer.
func (b *Backend) NewCache(layers, n int, h compute.Heads) compute.Cache {
	dp := padded(h.D)
	size := n * h.KV * dp * compute.Page
	c := &cache{n: n, layers: make([]pages, layers), block: b.free.takeFresh(2 * layers * size)}
	rest := c.block
	for l := range c.layers {
		c.layers[l] = pages{h: h, dp: dp, keys: rest[:size:size], values: rest[size : 2*size : 2*size]}
		rest = rest[2*size:]
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

// CacheWrite stores row r of k and v at refs[r].
func (b *Backend) CacheWrite(c compute.Cache, layer int, k, v compute.Buf, refs []compute.RowRef) {
	cc := c.(*cache)
	p := &cc.layers[layer]
	kf, vf := f32(k), f32(v)
	d, width := p.h.D, p.h.KV*p.h.D
	mustHave("cache write: k", len(kf), len(refs)*width)
	mustHave("cache write: v", len(vf), len(refs)*width)
	b.parallel(len(refs), rowGrain(width), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			ref := refs[r]
			if ref.Page < 0 || int(ref.Page) >= cc.n || ref.Slot < 0 || ref.Slot >= compute.Page {
				panic(fmt.Sprintf("cpu: cache write: row %d to page %d slot %d, want pages [0, %d) slots [0, %d)",
					r, ref.Page, ref.Slot, cc.n, compute.Page))
			}
			for head := range p.h.KV {
				at := r*width + head*d
				packAcross(p.keyPanel(ref.Page, head), int(ref.Slot), kf[at:at+d])
				packAlong(p.valuePanels(ref.Page, head), int(ref.Slot), compute.Page, vf[at:at+d])
			}
		}
	})
}

// CacheClear zeroes a page in every layer.
func (b *Backend) CacheClear(c compute.Cache, page int32) {
	for l := range c.(*cache).layers {
		p := &c.(*cache).layers[l]
		from, to := p.at(page, 0), p.at(page+1, 0)
		clear(p.keys[from:to])
		clear(p.values[from:to])
	}
}

// CacheCopy copies page src to dst in every layer.
func (b *Backend) CacheCopy(c compute.Cache, dst, src int32) {
	for l := range c.(*cache).layers {
		p := &c.(*cache).layers[l]
		copy(p.keys[p.at(dst, 0):p.at(dst+1, 0)], p.keys[p.at(src, 0):p.at(src+1, 0)])
		copy(p.values[p.at(dst, 0):p.at(dst+1, 0)], p.values[p.at(src, 0):p.at(src+1, 0)])
	}
}

// CacheAttention: row r of q sees the first n[r] positions of the pages tables[r].
func (b *Backend) CacheAttention(out, q compute.Buf, c compute.Cache, layer int, tables [][]int32, n []int32, h compute.Heads) {
	of, qf := f32(out), f32(q)
	rows := len(tables)
	mustHave("cache attention: n", len(n), rows)
	mustHave("cache attention: q", len(qf), rows*h.Q*h.D)
	mustHave("cache attention: out", len(of), rows*h.Q*h.D)
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
	tiles := ceilDiv(rows, tile)
	b.parallel(tiles*h.KV, 1, func(lo, hi int) {
		s := b.getScratch()
		defer b.putScratch(s)
		for i := lo; i < hi; i++ {
			from := i / h.KV * tile
			to := min(rows, from+tile)
			s.tables = append(s.tables[:0], tables[from:to]...)
			s.n = append(s.n[:0], n[from:to]...)
			b.attend(s, of, qf, from, p, i%h.KV)
		}
	})
}
