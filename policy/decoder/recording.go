package decoder

import (
	"errors"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Recording keeps the activations of rows that go through the decoder while it generates, so that learning from them
// needs no forward pass: generation has the bits of training, so it was the forward pass. Its rows lie in the order in
// which they were computed; the backward pass picks those of its batch layer by layer.
type Recording struct {
	m       *Model
	rows, n int         // room, and rows recorded
	state   int         // of the model's weights when it began
	low     bool        // the adapter took part
	lost    bool        // a row had no room, so there is nothing to learn from
	store   *kept       // [rows, …]
	last    compute.Buf // [rows, H], the residual stream after the last layer
}

// NewRecording has room for so many rows. Layers keeps all activations of the last so many layers, at least one; of the
// others it keeps the input, from which the backward pass runs them again.
func (m *Model) NewRecording(rows, layers int) *Recording {
	r := &Recording{m: m, rows: rows}
	r.store = m.newKept(rows, min(max(layers, 1), len(m.layers)))
	r.last = r.store.allocUnset(rows * m.cfg.Hidden)
	return r
}

// Record makes Prefill and Decoder.Step record their rows from now on; nil ends it. What r held is forgotten.
func (m *Model) Record(r *Recording) {
	if r != nil {
		r.n, r.lost, r.state, r.low = 0, false, m.state, m.lowRankOn()
	}
	m.recording = r
}

// Rows is how many rows are recorded. The next one recorded has this number.
func (r *Recording) Rows() int { return r.n }

// Whole says whether all rows since Record had room.
func (r *Recording) Whole() bool { return !r.lost }

// Free gives the memory back.
func (r *Recording) Free() { r.store.free() }

// next makes room for rows: where the layers leave what is kept of them, or nil when there is none.
func (r *Recording) next(rows int) (*kept, compute.Buf) {
	if r.n+rows > r.rows {
		r.lost = true
		return nil, nil
	}
	view := func(x compute.Buf) compute.Buf {
		width := x.Len() / r.rows
		return r.m.b.Slice(x, r.n*width, (r.n+rows)*width)
	}
	k := &kept{}
	for _, in := range r.store.in {
		k.in = append(k.in, view(in))
	}
	for _, a := range r.store.full {
		k.full = append(k.full, acts{q: view(a.q), k: view(a.k), v: view(a.v), attn: view(a.attn), gate: view(a.gate), up: view(a.up), mid: view(a.mid)})
	}
	last := view(r.last)
	r.n += rows
	return k, last
}

var errStale = errors.New("learn: what was recorded or held is of other weights, or not whole: record again")

// pass is the forward pass of a batch whose rows are recorded: rows has the recorded row of each.
func (r *Recording) pass(p Packed, temperature float32, rows []int32) (*Pass, error) {
	m := r.m
	if err := p.check(m.cfg); err != nil {
		return nil, err
	}
	if err := p.checkTargets(m.cfg); err != nil {
		return nil, err
	}
	if r.lost || r.state != m.state || r.low != m.lowRankOn() || len(rows) != len(p.IDs) {
		return nil, errStale
	}
	for _, row := range rows {
		if row < 0 || int(row) >= r.n {
			return nil, errStale
		}
	}
	pass := &Pass{m: m, p: p, temperature: temperature, low: r.low, runs: p.groups(), from: r, rows: rows}
	pass.kept = &kept{scratch: scratch{b: m.b}, in: []compute.Buf{nil}}
	pass.kept.in[0] = pass.kept.allocUnset(len(rows) * m.cfg.Hidden)
	pass.kept.addActs(m, len(rows))
	pass.last = m.b.AllocUnset(len(p.Out) * m.cfg.Hidden)
	out := make([]int32, len(p.Out))
	for i, row := range p.Out {
		out[i] = rows[row]
	}
	m.b.PickRows(pass.last, r.last, out, m.cfg.Hidden)
	return pass, nil
}

// restore picks what is recorded of a layer into the pass's one set of activations. It reports whether that is all.
func (r *Recording) restore(p *Pass, layer int) bool {
	c, b, k := r.m.cfg, r.m.b, p.kept
	b.PickRows(k.in[0], r.store.in[layer], p.rows, c.Hidden)
	if layer < r.store.again() {
		return false
	}
	from, to := r.store.acts(layer), &k.full[0]
	for _, x := range []struct {
		to, from compute.Buf
		width    int
	}{
		{to.q, from.q, c.Heads * c.HeadDim}, {to.attn, from.attn, c.Heads * c.HeadDim}, {to.k, from.k, c.KVHeads * c.HeadDim},
		{to.v, from.v, c.KVHeads * c.HeadDim}, {to.gate, from.gate, c.Inner}, {to.up, from.up, c.Inner}, {to.mid, from.mid, c.Hidden},
	} {
		b.PickRows(x.to, x.from, p.rows, x.width)
	}
	return true
}
