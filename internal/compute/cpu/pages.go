package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// pages holds keys and values in pages of [compute.Page] positions, each head packed as right-hand sides of mulTile:
//
//	keys    [pages][KV][Dp/16·16][16 slots]     for q·kᵀ: a sum over D
//	values  [pages][KV][Dp/16][16 slots][16]    for p·v: a sum over positions
//
// Dp is D rounded up to a multiple of 16. Unused slots and padding hold 0. The pages of a call's segments lie there in the
// order of their positions, so their values are [KV][Dp/16][slots][16]: a sum goes on over pages that follow each other.
type pages struct {
	h            compute.Heads
	dp           int
	keys, values pageData
	slots        int // of all pages of segments; 0 for those of a cache
}

// pageData are the numbers of pages, in float32 or in bf16.
type pageData struct {
	f []float32
	h []uint16
}

// padded is n rounded up to whole panels.
func padded(n int) int { return panels(n) * panel }

// size is the number of elements of one head in a page.
func (p *pages) size() int { return p.dp * compute.Page }

func (p *pages) at(page int32, head int) int { return (int(page)*p.h.KV + head) * p.size() }

// head gives one head of a page in float32: in place, or widened into wide.
func (p *pages) head(k *kernel, x pageData, page int32, head int, wide []float32) []float32 {
	at := p.at(page, head)
	if x.h == nil {
		return x.f[at:][:p.size()]
	}
	wide = wide[:p.size()]
	k.widen(wide, x.h[at:])
	return wide
}

// column gives one head of a page of x, packed like values, and the number of slots from a panel to the next.
func (p *pages) column(k *kernel, x pageData, page int32, head int, wide []float32) (data []float32, height int) {
	if p.slots == 0 {
		return p.head(k, x, page, head, wide), compute.Page
	}
	return x.f[head*p.dp*p.slots+int(page)*compute.Page*panel:], p.slots
}

// slice is x[from:to].
func (x pageData) slice(from, to int) pageData {
	if x.h != nil {
		return pageData{h: x.h[from:to:to]}
	}
	return pageData{f: x.f[from:to:to]}
}

// clear sets x[from:to] to 0.
func (x pageData) clear(from, to int) {
	if x.h != nil {
		clear(x.h[from:to])
	} else {
		clear(x.f[from:to])
	}
}

// copy copies n elements inside x.
func (x pageData) copy(to, from, n int) {
	if x.h != nil {
		copy(x.h[to:to+n], x.h[from:])
	} else {
		copy(x.f[to:to+n], x.f[from:])
	}
}

// packAcross stores a row of D numbers as slot of a key panel.
func packAcross[T float32 | uint16](dst []T, slot int, row []T) {
	if len(row) == 0 {
		return
	}
	dst = dst[slot : (len(row)-1)*compute.Page+slot+1]
	for d, v := range row {
		dst[d*compute.Page] = v
	}
}

// packAlong stores a row of D numbers as slot of value panels of height slots.
func packAlong[T float32 | uint16](dst []T, slot, height int, row []T) {
	for len(row) >= panel {
		*(*[panel]T)(dst[slot*panel:]) = [panel]T(row)
		dst, row = dst[min(len(dst), height*panel):], row[panel:]
	}
	if len(row) > 0 {
		copy(dst[slot*panel:], row)
	}
}
