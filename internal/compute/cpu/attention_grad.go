package cpu

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

const (
	// keyBlock is how many keys' gradients one piece of work adds to: whole pages, and whole matrix tiles.
	keyBlock = 8 * maxTileRows
	// waveFloats is how many probabilities and their gradients are held at once beyond a tile a thread, 4 MB: they are read
	// again from the cache.
	waveFloats = 1 << 19
)

// attentionGrad is one call of AttentionGrad. It goes through the tiles in flat order, some at a time, a wave: first
// each tile by itself, as far as dq; then each block of keys by itself, which takes from the wave's tiles in their order.
type attentionGrad struct {
	b            *Backend
	dq           []float32
	dout, out, q buf
	segs         []compute.Segment
	rows         int             // of k
	dk, dv       []float32       // [KV, R, Dp]
	slots        []attendScratch // by tile of a wave; kept from call to call
	wave         []tile
	from, blocks int // the first row whose keys the wave's tiles see, and how many blocks follow
}

// AttentionGrad adds to dq, dk, dv. With p the probabilities of a row and D = Σ dout·out,
//
//	dv[j] += p_j·dout    ds_j = p_j·(dout·v_j - D)    dq += Σ_j ds_j·k_j/√D    dk[j] += ds_j·q/√D
//
// What dk and dv get from the rows of a segment, and from the query heads of a row, is added in ascending order on top
// of what they hold.
func (b *Backend) AttentionGrad(dq, dk, dv, dout, out, q, k, v compute.Buf, segs []compute.Segment, h compute.Heads) {
	mustHave("attention gradient: dq", dq.Len(), q.Len())
	mustHave("attention gradient: dout", dout.Len(), q.Len())
	mustHave("attention gradient: out", out.Len(), q.Len())
	mustHave("attention gradient: dk", dk.Len(), k.Len())
	mustHave("attention gradient: dv", dv.Len(), k.Len())
	mustHave("attention gradient: v", v.Len(), k.Len())
	mustHave("attention gradient: q", q.Len()*h.KV, k.Len()*h.Q)
	p := &b.pages
	p.layout(segs, h)
	p.keys.f = b.packAs(p.keys.f, p, k, true)
	p.keyRows.f = b.packAs(p.keyRows.f, p, k, false)
	p.valueColumns.f = b.packAs(p.valueColumns.f, p, v, true)
	p.cut(segs)
	g := &b.backward
	g.b, g.dq, g.dout, g.out, g.q, g.segs = b, f32(dq), *dout.(*buf), *out.(*buf), *q.(*buf), segs
	g.rows = k.Len() / max(1, h.KV*h.D)
	g.dk = b.byHead(g.dk, f32(dk), g.rows, p, false)
	g.dv = b.byHead(g.dv, f32(dv), g.rows, p, false)
	size := waveTiles(segs, h, b.threads)
	for len(g.slots) < size {
		g.slots = append(g.slots, attendScratch{})
	}
	for tiles := p.tiles; len(tiles) > 0; tiles = tiles[len(g.wave):] {
		g.wave = tiles[:min(size, len(tiles))]
		g.findKeys()
		b.each(len(g.wave), (*gradTiles)(g))
		b.each(g.blocks*h.KV, (*gradKeys)(g))
	}
	b.byHead(g.dk, f32(dk), g.rows, p, true)
	b.byHead(g.dv, f32(dv), g.rows, p, true)
	*g = attentionGrad{dk: g.dk, dv: g.dv, slots: g.slots}
}

// waveTiles is the number of tiles of a wave: enough for all threads, and memory for their probabilities.
func waveTiles(segs []compute.Segment, h compute.Heads, threads int) int {
	most := 0
	for _, s := range segs {
		most = max(most, s.PrefixLen+s.Len)
	}
	tile := 2 * tileRows(h) * h.Q / h.KV * padded(most)
	return min(max(threads, waveFloats/max(1, tile)), threads*piecesPerThread)
}

// findKeys sets from and blocks.
func (g *attentionGrad) findKeys() {
	first, end := g.rows, 0
	for _, t := range g.wave {
		s := g.segs[t.seg]
		first, end = min(first, s.Start), max(end, s.Start+t.from+t.rows)
		if s.PrefixLen > 0 {
			first = min(first, s.Prefix)
		}
	}
	g.from, g.blocks = first, ceilDiv(end-first, keyBlock)
}

// gradTiles does what a tile of a wave needs nobody else for: p, ds and dq.
type gradTiles attentionGrad

func (g *gradTiles) piece(_, i int) {
	p, t, s, b := &g.b.pages, g.wave[i], &g.slots[i], g.b
	h, from := p.h, g.segs[t.seg].Start+t.from
	group, d := h.Q/h.KV, h.D
	s.see(p.tables[t.seg], g.segs[t.seg].PrefixLen+t.from, t.rows)
	b.scores(s, &g.q, from, &p.pages, t.head)
	s.dout = b.gatherRows(s.dout, &g.dout, from, t.rows, h, t.head, 1)
	s.ds = b.grown(s.ds, len(s.inv)*s.ld)
	b.againstRows(s.ds, s, s.dout, &p.pages, p.valueColumns, t.head)
	for m, inv := range s.inv {
		at := ((from+m/group)*h.Q + t.head*group + m%group) * d
		mean := b.kernel.dot(s.dout[m*d:][:d], g.out.floats(b.kernel, at, d, s.wide))
		b.kernel.scoreGrad(s.ds[m*s.ld:][:s.ld], s.s[m*s.ld:][:s.ld], int(s.n[m/group]), inv, mean)
	}
	s.dq = b.grown(s.dq, len(s.inv)*p.dp)
	b.mix(s.dq, s, s.ds, &p.pages, p.keyRows, t.head)
	scale := float32(1 / math.Sqrt(float64(d)))
	for m := range s.inv {
		b.kernel.axpy(g.dq[((from+m/group)*h.Q+t.head*group+m%group)*d:][:d], scale, s.dq[m*p.dp:])
	}
	s.qPanel = b.packPanels(s.qPanel, s.q, d)
	s.doPanel = b.packPanels(s.doPanel, s.dout, d)
}

// scoreGrad turns e into probabilities p, and dp into ds = p·(dp - mean), both 0 where the last page is masked.
func (k *kernel) scoreGrad(dp, e []float32, n int, inv, mean float32) {
	if k.vector {
		scoreGradBlocks(dp, e[:padded(n)], inv, mean)
	} else {
		for j := range n {
			e[j] *= inv
			dp[j] = e[j] * (dp[j] - mean)
		}
	}
	clear(e[n:padded(n)]) // NaN where the sum of a row is
	clear(dp[n:padded(n)])
}

// packPanels packs x [M, D] as [Dp/16, M, 16].
func (b *Backend) packPanels(dst, x []float32, d int) []float32 {
	m := len(x) / d
	dst = b.grown(dst, m*padded(d))
	if d != padded(d) {
		clear(dst)
	}
	for i := range m {
		packAlong(dst, i, m, x[i*d:][:d])
	}
	return dst
}

// gradKeys adds what a wave's tiles give to one block of keys and values.
type gradKeys attentionGrad

func (g *gradKeys) piece(_, i int) {
	kv := g.b.pages.h.KV
	head, lo := i%kv, g.from+i/kv*keyBlock
	hi := lo + keyBlock
	for n, t := range g.wave {
		if t.head != head {
			continue
		}
		s := g.segs[t.seg]
		if a, b := max(lo, s.Prefix), min(hi, s.Prefix+s.PrefixLen); a < b {
			g.add(&g.slots[n], head, a, b, a-s.Prefix)
		}
		if a, b := max(lo, s.Start), min(hi, s.Start+t.from+t.rows); a < b {
			g.add(&g.slots[n], head, a, b, a-s.Start+s.PrefixLen)
		}
	}
}

// add adds a tile's part to the gradients of the rows [row, end), which lie at pos, pos+1, … of its sequence.
func (g *gradKeys) add(s *attendScratch, head, row, end, pos int) {
	for row < end {
		// All of the tile's rows see the pages that its first one sees; then rows drop out page by page.
		next, first := padded(int(s.n[0])), 0
		if pos >= next {
			next = padded(pos + 1)
			for int(s.n[first]) <= next-compute.Page {
				first++
			}
		}
		n := min(end-row, next-pos)
		lo := first * len(s.inv) / len(s.n)
		at := (head*g.rows + row) * g.b.pages.dp
		g.overRows(g.dk[at:], s, s.ds[lo*s.ld+pos:], n, s.qPanel, lo)
		g.overRows(g.dv[at:], s, s.s[lo*s.ld+pos:], n, s.doPanel, lo)
		row, pos = row+n, pos+n
	}
}

// overRows: c[i, d] += Σ_m a[m, i]·x[lo+m, d], m ascending, for n keys i. x is packed [Dp/16, M, 16], c is [n, Dp].
func (g *gradKeys) overRows(c []float32, s *attendScratch, a []float32, n int, x []float32, lo int) {
	m, dp := len(s.inv), g.b.pages.dp
	g.b.kernel.eachPanel(dp, m, product{
		c0: c, ldc: dp, a: a, rs: 1, cs: s.ld, b0: x[lo*panel:], m: n, kc: m - lo, load: true,
	})
}
