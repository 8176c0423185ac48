package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// NewCache has room for pages·compute.Page positions; the backend's FreeCache gives it back.
func (m *Model) NewCache(pages int) compute.Cache {
	return m.b.NewCache(m.cfg.Layers, pages, m.cfg.Attention())
}

// Prefill runs prompts, writes key and value of row r at refs[r], and gives the logits of the rows p.Out, [N, V].
// The caller frees them with the backend. p.Target isn't read. It panics on a malformed batch.
func (m *Model) Prefill(c compute.Cache, p Packed, refs []compute.RowRef) compute.Buf {
	if err := p.check(m.cfg); err != nil {
		panic("decoder: prefill: " + err.Error())
	}
	tmp := &scratch{b: m.b}
	defer tmp.free()
	x := m.run(tmp, nil, p.IDs, p.Pos, m.lowRankOn(), func(layer int, out, q, k, v compute.Buf) {
		m.b.CacheWrite(c, layer, k, v, refs)
		m.b.Attention(out, q, k, v, p.Segs, m.cfg.Attention())
	})
	picked := tmp.allocUnset(len(p.Out) * m.cfg.Hidden)
	m.b.PickRows(picked, x, p.Out, m.cfg.Hidden)
	return m.logits(tmp, picked, len(p.Out))
}

// Decode runs one new token of each of R sequences. Row r's key and value go to refs[r]; then it sees the first n[r]
// positions, its own included, of the pages tables[r]. The caller frees the logits, [R, V], with the backend.
func (m *Model) Decode(c compute.Cache, ids, pos []int32, refs []compute.RowRef, tables [][]int32, n []int32) compute.Buf {
	tmp := &scratch{b: m.b}
	defer tmp.free()
	x := m.run(tmp, nil, ids, pos, m.lowRankOn(), func(layer int, out, q, k, v compute.Buf) {
		m.b.CacheWrite(c, layer, k, v, refs)
		m.b.CacheAttention(out, q, c, layer, tables, n, m.cfg.Attention())
	})
	return m.logits(tmp, x, len(ids))
}

// logits of rows of the residual stream, [rows, V].
func (m *Model) logits(tmp *scratch, x compute.Buf, rows int) compute.Buf {
	h := tmp.allocActs(rows * m.cfg.Hidden)
	m.b.RMSNorm(h, x, m.norm.Data, rows, m.cfg.NormEps)
	out := m.b.AllocUnset(rows * m.cfg.Vocab)
	m.b.MatMul(out, h, m.head.weight(), rows, false)
	return out
}
