package ref

import "github.com/burnish-rl/burnish/internal/compute"

// cache holds k and v of each layer as [pages·Page, KV·D], row-major.
type cache struct {
	pages int
	heads compute.Heads
	k, v  [][]float64
}

func (c *cache) Pages() int { return c.pages }

// NewCache makes room for pages·Page positions in each layer.
func (*Backend) NewCache(layers, pages int, h compute.Heads) compute.Cache {
	c := &cache{pages: pages, heads: h}
	for range layers {
		c.k = append(c.k, make([]float64, pages*compute.Page*h.KV*h.D))
		c.v = append(c.v, make([]float64, pages*compute.Page*h.KV*h.D))
	}
	return c
}

// FreeCache takes the memory away, so that a use after it panics.
func (*Backend) FreeCache(c compute.Cache) { *c.(*cache) = cache{} }

// CacheWrite stores row r of k and v at refs[r].
func (*Backend) CacheWrite(c compute.Cache, layer int, k, v compute.Buf, refs []compute.RowRef) {
	rc := c.(*cache)
	width := rc.heads.KV * rc.heads.D
	mustEqual(k.Len(), len(refs)*width)
	mustEqual(v.Len(), len(refs)*width)
	for r, ref := range refs {
		at := int(ref.Page)*compute.Page + int(ref.Slot)
		copy(row(rc.k[layer], at, width), row(Data(k), r, width))
		copy(row(rc.v[layer], at, width), row(Data(v), r, width))
	}
}

// CacheClear zeroes a page in every layer.
func (*Backend) CacheClear(c compute.Cache, page int32) {
	rc := c.(*cache)
	width := compute.Page * rc.heads.KV * rc.heads.D
	for l := range rc.k {
		clear(row(rc.k[l], int(page), width))
		clear(row(rc.v[l], int(page), width))
	}
}

// CacheCopy copies page src to page dst in every layer.
func (*Backend) CacheCopy(c compute.Cache, dst, src int32) {
	rc := c.(*cache)
	width := compute.Page * rc.heads.KV * rc.heads.D
	for l := range rc.k {
		copy(row(rc.k[l], int(dst), width), row(rc.k[l], int(src), width))
		copy(row(rc.v[l], int(dst), width), row(rc.v[l], int(src), width))
	}
}

// CacheAttention: row r of q sees the first n[r] positions of the pages tables[r].
func (*Backend) CacheAttention(out, q compute.Buf, c compute.Cache, layer int, tables [][]int32, n []int32, h compute.Heads) {
	rc, od, qd := c.(*cache), Data(out), Data(q)
	mustEqual(len(tables), len(n))
	for r, pages := range tables {
		keys := make([]int, n[r])
		for j := range keys {
			keys[j] = int(pages[j/compute.Page])*compute.Page + j%compute.Page
		}
		for head := range h.Q {
			at := r*h.Q + head
			p := probs(row(qd, at, h.D), rc.k[layer], keys, h, head)
			mix(row(od, at, h.D), p, rc.v[layer], keys, h, head)
		}
	}
}
