package cpu

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// AttentionGrad adds to dq, dk, dv. With p the probabilities of a row and D = Σ dout·out,
//
//	dv[j] += p_j·dout    ds_j = p_j·(dout·v_j - D)    dq += Σ_j ds_j·k_j/√D    dk[j] += ds_j·q/√D
//
// Segments that share a prefix add to the same dk and dv, so one goroutine works through them in their order; the
// rows of a segment, and the query heads of a row, follow in ascending order on top of what the buffers hold. Segments
// share a prefix when it starts at the same row, so a prefix must not start inside another segment.
func (b *Backend) AttentionGrad(dq, dk, dv, dout, out, q, k, v compute.Buf, segs []compute.Segment, h compute.Heads) {
	g := attentionGrad{
		dq: f32(dq), dk: f32(dk), dv: f32(dv), dout: f32(dout), out: f32(out), q: f32(q), segs: segs, p: &b.pages, b: b,
	}
	kf, vf := f32(k), f32(v)
	mustHave("attention gradient: dq", len(g.dq), len(g.q))
	mustHave("attention gradient: dout", len(g.dout), len(g.q))
	mustHave("attention gradient: out", len(g.out), len(g.q))
	mustHave("attention gradient: dk", len(g.dk), len(kf))
	mustHave("attention gradient: dv", len(g.dv), len(kf))
	mustHave("attention gradient: v", len(vf), len(kf))
	mustHave("attention gradient: q", len(g.q)*h.KV, len(kf)*h.Q)
	p := &b.pages
	p.layout(segs, h)
	p.keys = b.packAs(p.keys, p, kf, true)
	p.keyRows = b.packAs(p.keyRows, p, kf, false)
	p.valueColumns = b.packAs(p.valueColumns, p, vf, true)
	b.parallel(len(segs)*h.KV, 1, func(lo, hi int) {
		s := b.getScratch()
		defer b.putScratch(s)
		for i := lo; i < hi; i++ {
			g.runGroup(s, i/h.KV, i%h.KV)
		}
	})
}

// attentionGrad is one call.
type attentionGrad struct {
	dq, dk, dv, dout, out, q []float32
	segs                     []compute.Segment
	p                        *segmentPages
	b                        *Backend
}

// runGroup works through the segments of the group that segment first leads, if it leads one.
func (g *attentionGrad) runGroup(s *attendScratch, first, head int) {
	for i := first; i < len(g.segs) && g.p.group[first] == first; i++ {
		if g.p.group[i] == first {
			g.segment(s, i, head)
		}
	}
}

func (g *attentionGrad) segment(s *attendScratch, seg, head int) {
	sg, h := g.segs[seg], g.p.h
	s.dk = g.loadVisible(s.dk, g.dk, sg, head)
	s.dv = g.loadVisible(s.dv, g.dv, sg, head)
	height := tileRows(h)
	for from := 0; from < sg.Len; from += height {
		rows := min(height, sg.Len-from)
		s.see(g.p.tables[seg], sg.PrefixLen+from, rows)
		g.tile(s, sg.Start+from, head)
	}
	g.storeVisible(g.dk, s.dk, sg, head)
	g.storeVisible(g.dv, s.dv, sg, head)
}

// tile adds the gradients of the rows from, from+1, … for one key-value head to dq, s.dk and s.dv.
func (g *attentionGrad) tile(s *attendScratch, from, head int) {
	p, h := &g.p.pages, g.p.h
	group, d := h.Q/h.KV, h.D
	ld := g.b.scores(s, g.q, from, p, head)
	s.dout = gatherRows(s.dout, g.dout, from, len(s.n), h, head, 1)
	s.ds = zeroed(s.ds, len(s.inv)*ld)
	g.b.againstRows(s.ds, ld, s, s.dout, p, g.p.valueColumns, head)
	for m, inv := range s.inv {
		at := ((from+m/group)*h.Q + head*group + m%group) * d
		mean := g.b.kernel.dot(s.dout[m*d:][:d], g.out[at:][:d])
		scoreGrad(s.ds[m*ld:][:ld], s.s[m*ld:][:ld], int(s.n[m/group]), inv, mean)
	}
	s.dq = zeroed(s.dq, len(s.inv)*p.dp)
	g.b.mix(s.dq, s, s.ds, ld, p, g.p.keyRows, head)
	scale := float32(1 / math.Sqrt(float64(d)))
	for m := range s.inv {
		row := g.dq[((from+m/group)*h.Q+head*group+m%group)*d:][:d]
		for i, v := range s.dq[m*p.dp:][:d] {
			row[i] += float32(scale * v)
		}
	}
	s.qPanel = packPanels(s.qPanel, s.q, d)
	s.doPanel = packPanels(s.doPanel, s.dout, d)
	g.overRows(s.dk, s, s.ds, ld, s.qPanel)
	g.overRows(s.dv, s, s.s, ld, s.doPanel)
}

// scoreGrad turns e into probabilities p, and dp into ds = p·(dp - mean), both 0 where the last page is masked.
func scoreGrad(dp, e []float32, n int, inv, mean float32) {
	dp = dp[:len(e)]
	for j, x := range e[:n] {
		p := x * inv
		e[j] = p
		dp[j] = p * (dp[j] - mean)
	}
	clear(dp[n:padded(n)])
}

// overRows: c[position, d] += Σ_m a[m, position]·x[m, d], m ascending, for positions that row m sees. x is packed
// [Dp/16, M, 16], c is [positions, Dp].
func (g *attentionGrad) overRows(c []float32, s *attendScratch, a []float32, ld int, x []float32) {
	dp, m := g.p.dp, len(s.inv)
	group := m / len(s.n)
	for j := 0; j*compute.Page < int(s.n[len(s.n)-1]); j++ {
		lo := 0 // the first stacked row that sees page j: a tile's rows see ever more
		for int(s.n[lo/group]) <= j*compute.Page {
			lo += group
		}
		g.b.kernel.eachPanel(dp, m, product{
			c0: c[j*compute.Page*dp:], ldc: dp, a: a[lo*ld+j*compute.Page:], rs: 1, cs: ld, b0: x[lo*panel:],
			m: compute.Page, kc: m - lo, load: true,
		})
	}
}

// packPanels packs x [M, D] as [Dp/16, M, 16].
func packPanels(dst, x []float32, d int) []float32 {
	m := len(x) / d
	dst = zeroed(dst, m*padded(d))
	for i := range m {
		packAlong(dst, i, m, x[i*d:][:d])
	}
	return dst
}

// loadVisible copies the rows that a segment sees from x [R, KV·D] to [positions, Dp], whole pages of it.
func (g *attentionGrad) loadVisible(dst, x []float32, sg compute.Segment, head int) []float32 {
	h, dp := g.p.h, g.p.dp
	dst = zeroed(dst, padded(sg.PrefixLen+sg.Len)*dp)
	for i := range sg.PrefixLen {
		copy(dst[i*dp:][:h.D], x[((sg.Prefix+i)*h.KV+head)*h.D:])
	}
	for i := range sg.Len {
		copy(dst[(sg.PrefixLen+i)*dp:][:h.D], x[((sg.Start+i)*h.KV+head)*h.D:])
	}
	return dst
}

// storeVisible is the way back.
func (g *attentionGrad) storeVisible(x, src []float32, sg compute.Segment, head int) {
	h, dp := g.p.h, g.p.dp
	for i := range sg.PrefixLen {
		copy(x[((sg.Prefix+i)*h.KV+head)*h.D:][:h.D], src[i*dp:])
	}
	for i := range sg.Len {
		copy(x[((sg.Start+i)*h.KV+head)*h.D:][:h.D], src[(sg.PrefixLen+i)*dp:])
	}
}
