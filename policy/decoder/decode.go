package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// NewCache has room for pages·compute.Page positions; the backend's FreeCache gives it back.
func (m *Model) NewCache(pages int) compute.Cache {
	return m.b.NewCache(m.cfg.Layers, pages, m.cfg.Attention())
}

// Prefill runs prompts, writes key and value of row r at refs[r], and gives the logits of the rows p.Out, [N, V].
// The caller frees them with the backend. p.Target isn't read. It panics on a malformed batch.
func (m *Model) Prefill(c compute.Cache, p Packed, refs []compute.RowRef) compute.Buf {
	return m.PrefillSquares(c, p, refs, nil)
}

// PrefillSquares is Prefill that also puts |h|² of the output matrix's input h at each of p.Out into squares, unless that
// is nil: the bits of the row norms' pass.
func (m *Model) PrefillSquares(c compute.Cache, p Packed, refs []compute.RowRef, squares []float64) compute.Buf {
	if err := p.check(m.cfg); err != nil {
		panic("decoder: prefill: " + err.Error())
	}
	tmp := &scratch{b: m.b}
	defer tmp.free()
	x := m.runRecorded(tmp, p.IDs, p.Pos, func(layer int, out, q, k, v compute.Buf) {
		m.b.CacheWrite(c, layer, k, v, refs)
		m.b.Attention(out, q, k, v, p.Segs, m.cfg.Attention())
	})
	picked := tmp.allocUnset(len(p.Out) * m.cfg.Hidden)
	m.b.PickRows(picked, x, p.Out, m.cfg.Hidden)
	logits := m.b.AllocUnset(len(p.Out) * m.cfg.Vocab)
	h := m.logits(tmp, logits, picked, len(p.Out))
	if squares != nil {
		rowSquares(m.b, squares, h, make([]float32, h.Len()))
	}
	return logits
}

// Decoder runs one new token of each of a batch of sequences, again and again. Its memory stays until Close, so that a
// call with as many rows as the one before allocates nothing.
type Decoder struct {
	m      *Model
	cache  compute.Cache
	tmp    scratch
	attend attend
	// of the call under way
	refs   []compute.RowRef
	tables [][]int32
	n      []int32

	h    compute.Buf // [R, H] of the last call, the output matrix's input
	host []float32
}

// NewDecoder decodes from a cache.
func (m *Model) NewDecoder(c compute.Cache) *Decoder {
	d := &Decoder{m: m, cache: c, tmp: scratch{b: m.b}}
	d.attend = func(layer int, out, q, k, v compute.Buf) {
		m.b.CacheWrite(c, layer, k, v, d.refs)
		m.b.CacheAttention(out, q, c, layer, d.tables, d.n, m.cfg.Attention())
	}
	return d
}

// Step runs one new token of each of R sequences. Row r's key and value go to refs[r]; then it sees the first n[r]
// positions, its own included, of the pages tables[r]. The logits, [R, V], are the Decoder's: they are valid until its
// next call.
func (d *Decoder) Step(ids, pos []int32, refs []compute.RowRef, tables [][]int32, n []int32) compute.Buf {
	d.refs, d.tables, d.n = refs, tables, n
	d.tmp.rewind()
	x := d.m.runRecorded(&d.tmp, ids, pos, d.attend)
	logits := d.tmp.allocUnset(len(ids) * d.m.cfg.Vocab)
	d.h = d.m.logits(&d.tmp, logits, x, len(ids))
	return logits
}

// InputSquares puts |h|² of the output matrix's input h in each row of the last Step into squares.
func (d *Decoder) InputSquares(squares []float64) {
	if cap(d.host) < d.h.Len() {
		d.host = make([]float32, d.h.Len())
	}
	rowSquares(d.m.b, squares, d.h, d.host[:d.h.Len()])
}

// runRecorded is run of rows that are recorded if somebody records.
func (m *Model) runRecorded(tmp *scratch, ids, pos []int32, att attend) compute.Buf {
	if m.recording == nil {
		return m.run(tmp, nil, ids, pos, m.lowRankOn(), att)
	}
	keep, last := m.recording.next(len(ids))
	x := m.run(tmp, keep, ids, pos, m.lowRankOn(), att)
	if last != nil {
		m.b.Copy(last, x)
	}
	return x
}

// Close frees the Decoder's memory. The cache stays.
func (d *Decoder) Close() { d.tmp.free() }

// logits of rows of the residual stream, [rows, V]. It gives their input, the normed rows [rows, H].
func (m *Model) logits(tmp *scratch, out, x compute.Buf, rows int) (h compute.Buf) {
	h = tmp.allocActs(rows * m.cfg.Hidden)
	m.b.RMSNorm(h, x, m.norm.Data, rows, m.cfg.NormEps)
	m.b.MatMul(out, h, m.head.weight(), rows, false)
	return h
}

// rowSquares puts the squared norm of each row of x into out, summed in order; host has room for x.
func rowSquares(b compute.Backend, out []float64, x compute.Buf, host []float32) {
	b.Download(host, x)
	width := len(host) / max(len(out), 1)
	for i := range out {
		sum := 0.0
		for _, v := range host[i*width:][:width] {
			sum += float64(v) * float64(v)
		}
		out[i] = sum
	}
}
