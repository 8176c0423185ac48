package decoder

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// squares is a sink that keeps the squared norm of every run's gradient, summed over what is trained. Rows outside the
// runs are passed over, their dx left unfinished: nothing of the runs depends on it.
type squares struct {
	b    compute.Backend
	m    *Model
	runs []compute.Rows // of each sequence
	sums []float64      // nil: norms are not asked for
	held *Held          // unless nil, what LearnRows needs is left there
	from int            // the first sequence's number in held
}

// SmallMatrix is the most elements of a matrix of which each run's gradient is made and held, instead of its norm alone and
// the gradient at its outputs; an adapter's are small whatever they have. The update then adds them up, while it takes the
// products of other matrices again.
const SmallMatrix = 1 << 16

func (m *Model) small(w *Param) bool { return m.lowRank || w.Size() <= SmallMatrix }

func (s *squares) matrix(w *Param, dy, x compute.Buf) {
	if !w.Trainable {
		return
	}
	if s.m.small(w) {
		s.matrices(w, dy, x)
		return
	}
	if s.sums != nil {
		s.add(s.b.GradSquares(dy, x, w.Shape[0], w.Shape[1], s.runs))
	}
	if s.held != nil {
		s.held.keepMatrix(w, dy)
	}
}

// matrices makes the gradient of each run.
func (s *squares) matrices(w *Param, dy, x compute.Buf) {
	n, k := w.Shape[0], w.Shape[1]
	for i, r := range s.runs {
		if r.From == r.To {
			continue
		}
		dw := s.b.NewWeight(n, k)
		s.b.MatMulGradW(dw, s.b.Slice(dy, r.From*n, r.To*n), s.b.Slice(x, r.From*k, r.To*k), []int{r.To - r.From})
		s.keep(w, i, dw.Data)
	}
}

// keep adds the norm of a run's gradient and holds it, or frees it.
func (s *squares) keep(w *Param, run int, dw compute.Buf) {
	if s.sums != nil {
		s.sums[run] += s.b.SumSquares(dw)
	}
	if s.held != nil {
		s.held.keepWhole(w, s.from+run, dw)
	} else {
		s.b.Free(dw)
	}
}

func (s *squares) norm(g *Param, dx, dy, x compute.Buf, rows int, eps float32) {
	if !g.Trainable {
		s.b.RMSNormGrad(dx, nil, dy, x, g.Data, rows, eps)
		return
	}
	width := g.Shape[0]
	for i, r := range s.runs {
		if r.From == r.To {
			continue
		}
		part := func(x compute.Buf) compute.Buf { return s.b.Slice(x, r.From*width, r.To*width) }
		dg := s.b.Alloc(width)
		s.b.RMSNormGrad(part(dx), dg, part(dy), part(x), g.Data, r.To-r.From, eps)
		s.keep(g, i, dg)
	}
}

func (s *squares) add(v []float64) {
	for i, x := range v {
		s.sums[i] += x
	}
}

// squares gives sq the gradient of ∇ Σ_t log p_t of each sequence. outs are its entries of Out, and spans its rows.
func (p *Pass) squares(sq *squares, outs, spans []compute.Rows) {
	if len(p.p.Out) == 0 {
		return
	}
	m := p.m
	tmp := &scratch{b: m.b}
	defer tmp.free()
	dx := tmp.alloc(len(p.p.IDs) * m.cfg.Hidden)
	var inputs *embedSquares
	if m.embed.Trainable && sq.sums != nil {
		inputs = p.newEmbedSquares(spans)
		defer inputs.free()
	}
	p.headSquares(dx, sq, outs, inputs, m.head.Trainable && sq.sums != nil)
	sq.runs = spans
	p.layersGrad(tmp, dx, sq)
	if inputs != nil {
		inputs.add(sq.sums, dx)
	}
	if sq.held != nil && m.embed.Trainable {
		sq.held.dx = copied(m.b, dx)
	}
}

// headSquares adds the norms of the head's gradient, when matrix asks for it, and unless dx is nil those of its norm; then
// it also adds the gradient of the residual stream to dx, and leaves what the embedding shares with the head in inputs,
// which may be nil.
func (p *Pass) headSquares(dx compute.Buf, sq *squares, outs []compute.Rows, inputs *embedSquares, matrix bool) {
	m, hidden, v := p.m, p.m.cfg.Hidden, p.m.cfg.Vocab
	most := m.chunk
	for _, o := range outs {
		most = max(most, o.To-o.From)
	}
	most = min(most, len(p.p.Out))
	tmp := scratch{b: m.b}
	defer tmp.free()
	hs := tmp.allocActs(most * hidden)
	var ls compute.Buf
	if sq.held == nil || !sq.held.keepsUnits(m, dx != nil) {
		ls = tmp.allocUnset(most * v)
	} else {
		sq.held.units = m.b.AllocUnset(len(p.p.Out) * v)
	}
	dhs, dlasts := tmp.allocUnset(most*hidden), tmp.allocUnset(most*hidden)
	ones := onesOf(most)
	for first := 0; first < len(outs); {
		end := first + 1 // whole sequences: their rows must be together
		for end < len(outs) && outs[end].To-outs[first].From <= most {
			end++
		}
		from, to := outs[first].From, outs[end-1].To
		n := to - from
		part := &squares{b: m.b, m: m, runs: shifted(append([]compute.Rows{}, outs[first:end]...)), held: sq.held, from: first}
		if sq.sums != nil {
			part.sums = sq.sums[first:end]
		}
		x := m.b.Slice(p.last, from*hidden, to*hidden)
		h := m.b.Slice(hs, 0, n*hidden)
		var d compute.Buf
		if ls != nil {
			d = m.b.Slice(ls, 0, n*v)
		} else {
			d = m.b.Slice(sq.held.units, from*v, to*v)
		}
		m.b.RMSNorm(h, x, m.norm.Data, n, m.cfg.NormEps)
		m.b.MatMul(d, h, m.head.weight(), n, false)
		if sq.held != nil {
			m.addStats(&sq.held.stats, d, p.temperature, p.p.Target[from:to])
		}
		m.b.TokenStatsGrad(d, v, p.temperature, p.p.Target[from:to], ones[:n], nil)
		if matrix {
			part.add(m.b.GradSquares(d, h, v, hidden, part.runs))
		}
		if inputs != nil {
			inputs.take(first, part.runs, d, h)
		}
		if dx != nil {
			dh, dlast := m.b.Slice(dhs, 0, n*hidden), m.b.Slice(dlasts, 0, n*hidden)
			m.b.MatMulGradX(dh, d, m.head.weight(), n, false)
			m.b.Zero(dlast)
			part.norm(m.norm, dlast, dh, x, n, m.cfg.NormEps)
			m.b.GatherAdd(dx, dlast, p.p.Out[from:to], hidden)
		}
		first = end
	}
}

func exp(x float32) float64 { return math.Exp(float64(x)) }
