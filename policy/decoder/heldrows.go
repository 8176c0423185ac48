package decoder

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Held is what [Model.RowNorms] leaves for [Model.LearnRows]. A gradient is linear in what comes from above, so a
// sequence's loss that is a number times its log-probability needs what its norm needed times that number, and no second
// way back through the layers: the gradients at the outputs of every trained matrix, or of small ones, as an adapter's are,
// the sequence's gradient itself. The gradients at the logits are held too, and save computing these again.
type Held struct {
	b     compute.Backend
	state int // of the model's weights
	seqs  []Sequence
	spans []compute.Rows // where each sequence's rows lie in dy and dx; nil while nothing is held
	stats compute.Stats
	units compute.Buf              // [N, V] the gradient of each log-prob at the logits; nil where they are computed again
	again bool                     // they are
	dy    map[*Param]compute.Buf   // of trained matrices that are not small, [rows, N]
	whole map[*Param][]compute.Buf // of norms and small matrices: the gradient of each sequence, nil where it has none
	dx    compute.Buf              // of the embedded rows, where the embedding is trained
}

// NewHeld holds nothing yet.
func (m *Model) NewHeld() *Held {
	return &Held{b: m.b, state: m.state, dy: map[*Param]compute.Buf{}, whole: map[*Param][]compute.Buf{}}
}

// keepsUnits says whether the gradients at the logits are held: where the update will need them, behind the deltas only
// for a head that is trained.
func (h *Held) keepsUnits(m *Model, deltas bool) bool {
	return !h.again && (m.head.Trainable || !deltas)
}

// takeUnits gives what is held of the gradients at the logits away: whoever takes them uses them up and frees them.
func (h *Held) takeUnits() units {
	u := units{on: true, held: h.units}
	h.units = nil
	return u
}

// Free gives everything back. A nil Held has nothing.
func (h *Held) Free() {
	if h == nil {
		return
	}
	for _, x := range h.dy {
		h.b.Free(x)
	}
	for _, list := range h.whole {
		for _, x := range list {
			if x != nil {
				h.b.Free(x)
			}
		}
	}
	if h.dx != nil {
		h.b.Free(h.dx)
	}
	if h.units != nil {
		h.b.Free(h.units)
	}
	*h = Held{}
}

func (h *Held) begin(seqs []Sequence, spans []compute.Rows) {
	h.seqs, h.spans = seqs, spans
}

func (h *Held) keepMatrix(w *Param, dy compute.Buf) { h.dy[w] = copied(h.b, dy) }

// keepWhole takes a sequence's gradient over.
func (h *Held) keepWhole(w *Param, seq int, dw compute.Buf) {
	if h.whole[w] == nil {
		h.whole[w] = make([]compute.Buf, len(h.seqs))
	}
	h.whole[w][seq] = dw
}

// copied is x in float32.
func copied(b compute.Backend, x compute.Buf) compute.Buf {
	y := b.AllocUnset(x.Len())
	b.Copy(y, x)
	return y
}

// LearnRows adds the gradient of Σ_i scale[i]·log π(row i) to the parameters' and gives the statistics of every output. It
// has the same bits with held, the deltas of this batch, as without, when it computes them again. The gradient's bits are
// not Learn's: it adds up the same terms in another order.
func (m *Model) LearnRows(p Packed, seqs []Sequence, temperature float32, scale []float32, held *Held, r *Recording, rows []int32) (compute.Stats, error) {
	if len(scale) != len(seqs) {
		return compute.Stats{}, fmt.Errorf("learn: scales of %d rows, want %d", len(scale), len(seqs))
	}
	if held != nil && held.seqs != nil && (held.state != m.state || len(held.seqs) != len(seqs)) {
		return compute.Stats{}, errStale
	}
	var pass *Pass
	var err error
	ready := held != nil && held.seqs != nil
	if !ready || !m.lowRankOn() {
		if r != nil {
			pass, err = r.pass(p, temperature, rows)
		} else {
			pass, err = m.forward(p, temperature, true)
		}
		if err != nil {
			return compute.Stats{}, err
		}
		defer pass.Release()
	}
	if !ready {
		held = m.NewHeld()
		held.again = true // those of a whole micro-batch would be too much
		defer held.Free()
		pass.deltas(held, seqs, nil)
	}
	stats := held.stats
	if pass != nil && m.head.Trainable && len(p.Out) > 0 {
		dlogp := make([]float32, len(p.Out))
		for i, s := range seqs {
			for o := s.Out.From; o < s.Out.To; o++ {
				dlogp[o] = scale[i]
			}
		}
		u := held.takeUnits()
		m.headGrad(nil, pass.last, p, temperature, dlogp, nil, nil, u)
		if u.held != nil {
			m.b.Free(u.held)
		}
	}
	for _, w := range m.params {
		for i, dw := range held.whole[w] {
			if dw != nil && w.Grad != nil {
				m.b.Axpy(w.Grad, scale[i], dw)
			}
		}
	}
	if pass != nil && !m.lowRankOn() {
		pass.replay(held, scale)
	}
	return stats, m.b.Sync()
}

// LearnUnits is Learn, or LearnRecorded unless r is nil, of a batch whose row norms of kind head_exact left the gradients
// at the logits in held. It has the same bits without, when it computes them again. The gradient's bits are not Learn's:
// it multiplies by dL/dlogp after rounding.
func (m *Model) LearnUnits(p Packed, temperature float32, dlogp []float32, held *Held, r *Recording, rows []int32) (compute.Stats, error) {
	if len(dlogp) != len(p.Out) {
		return compute.Stats{}, fmt.Errorf("learn: %d log-prob gradients, want %d", len(dlogp), len(p.Out))
	}
	ready := held != nil && held.seqs != nil
	if ready && (held.state != m.state || len(held.stats.LogP) != len(p.Out)) {
		return compute.Stats{}, errStale
	}
	var pass *Pass
	var err error
	if r != nil {
		pass, err = r.pass(p, temperature, rows)
	} else {
		pass, err = m.forward(p, temperature, true)
	}
	if err != nil {
		return compute.Stats{}, err
	}
	defer pass.Release()
	stats := &pass.Stats
	pass.units = units{on: true}
	if ready {
		pass.units = held.takeUnits()
		if pass.units.held != nil {
			defer m.b.Free(pass.units.held)
			pass.Stats, stats = held.stats, nil
		}
	}
	err = pass.backward(dlogp, nil, stats)
	return pass.Stats, err
}

// deltas runs the sequences' own backward passes, leaves in held what LearnRows needs, and adds their squared norms to sums
// unless it is nil.
func (p *Pass) deltas(held *Held, seqs []Sequence, sums []float64) {
	if len(p.p.Out) == 0 {
		held.begin(seqs, nil)
		return
	}
	s, spans := p.separate(seqs)
	defer s.free()
	held.begin(seqs, spans)
	s.squares(&squares{b: p.m.b, m: p.m, sums: sums, held: held}, shifted(outsOf(seqs)), spans)
}

// replay adds the gradients of the layers' matrices and of the embedding from the deltas held, each sequence's times its scale. The deltas of a group's sequences are first
// brought back to the rows of their shared prompt, so that products are over these, as in a backward pass.
func (p *Pass) replay(held *Held, scale []float32) {
	if held.spans == nil {
		return
	}
	m, rows, c := p.m, len(p.p.IDs), p.m.cfg
	tmp := &scratch{b: m.b}
	defer tmp.free()
	x := &replayed{p: p, held: held, scale: scale}
	if held.dx != nil {
		shared := x.shared(held.dx, c.Hidden)
		m.embedGrad.add(m.b, shared, p.p.IDs, c.Hidden)
		m.b.Free(shared)
	}
	if len(held.dy) == 0 {
		return
	}
	h, t, inner := tmp.allocActs(rows*c.Hidden), tmp.allocUnset(rows*c.Hidden), tmp.allocActs(rows*c.Inner)
	for i := len(m.layers) - 1; i >= 0; i-- {
		in, a := p.restore(i, h, t)
		y := &m.layers[i]
		m.b.SwiGLU(inner, a.gate, a.up)
		x.matrix(y.down.w, inner)
		m.b.RMSNorm(h, a.mid, y.mlpNorm.Data, rows, c.NormEps)
		x.matrix(y.gate.w, h)
		x.matrix(y.up.w, h)
		x.matrix(y.o.w, a.attn)
		m.b.RMSNorm(h, in, y.attnNorm.Data, rows, c.NormEps)
		x.matrix(y.q.w, h)
		x.matrix(y.k.w, h)
		x.matrix(y.v.w, h)
	}
}

// replayed adds gradients of one parameter after the other.
type replayed struct {
	p     *Pass
	held  *Held
	scale []float32 // of each sequence
}

func (r *replayed) matrix(w *Param, x compute.Buf) {
	if w.Grad == nil || r.p.m.small(w) {
		return
	}
	dy := r.shared(r.held.dy[w], w.Shape[0])
	r.p.m.b.MatMulGradW(w.grad(), dy, x, r.p.runs)
	r.p.m.b.Free(dy)
}

// shared brings deltas back to the rows of the pass, where a prompt collects from all its sequences.
func (r *replayed) shared(dy compute.Buf, width int) compute.Buf {
	b := r.p.m.b
	out := b.Alloc(len(r.p.p.IDs) * width)
	for i, s := range r.held.seqs {
		at := r.held.spans[i].From
		for _, part := range []compute.Rows{s.Prompt, s.Own} {
			n := part.To - part.From
			if n > 0 && s.Out.From < s.Out.To {
				b.Axpy(b.Slice(out, part.From*width, part.To*width), r.scale[i], b.Slice(dy, at*width, (at+n)*width))
			}
			at += n
		}
	}
	return out
}
