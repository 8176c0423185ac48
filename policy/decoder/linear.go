package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// linear is y = W·x, or y = W·x + s·B·(A·x) with a low-rank part. The sum goes on from W·x.
type linear struct {
	module string // "model.layers.0.self_attn.q_proj"
	w      *Param
	low    *LowRank
}

// LowRank is the trained part beside a frozen matrix W [N, K].
//
// Source: Hu et al. 2021, arXiv:2106.09685.
type LowRank struct {
	A     *Param // [rank, K]
	B     *Param // [N, rank]
	Scale float32
}

func (w *LowRank) rank() int { return w.A.Shape[0] }

// output is where a linear's result goes, y [rows, N].
type output struct {
	l *linear
	y compute.Buf
}

// apply: y = linear(x) for each output.   x [rows, K].
func (m *Model) apply(x compute.Buf, rows int, low bool, to ...output) {
	m.ys, m.ws = m.ys[:0], m.ws[:0]
	for _, o := range to {
		m.ys, m.ws = append(m.ys, o.y), append(m.ws, o.l.w.weight())
	}
	m.b.MatMuls(m.ys, x, m.ws, rows)
	for _, o := range to {
		if o.l.low == nil || !low {
			continue
		}
		u := m.b.AllocUnset(rows * o.l.low.rank())
		m.lowRankInner(o.l.low, u, x, rows)
		m.b.MatMul(o.y, u, o.l.low.B.weight(), rows, true)
		m.b.Free(u)
	}
}

// lowRankInner: u = s·A·x.
func (m *Model) lowRankInner(w *LowRank, u, x compute.Buf, rows int) {
	m.b.MatMul(u, x, w.A.weight(), rows, false)
	m.b.Scale(u, w.Scale)
}

// applyGrad leaves the gradients of the linear's trained matrices in to, and gives dx, or adds to it when add is true.
//
//	dW += dyᵀ·x,   dB += dyᵀ·(s·A·x),   du = s·Bᵀ·dy,   dA += duᵀ·x,   dx = Wᵀ·dy + Aᵀ·du
func (m *Model) applyGrad(l *linear, dx, dy, x compute.Buf, rows int, to sink, low, add bool) {
	m.b.MatMulGradX(dx, dy, l.w.weight(), rows, add)
	to.matrix(l.w, dy, x)
	if l.low == nil || !low {
		return
	}
	u := m.b.AllocUnset(rows * l.low.rank())
	if l.low.B.Trainable {
		m.lowRankInner(l.low, u, x, rows)
		to.matrix(l.low.B, dy, u)
	}
	m.b.MatMulGradX(u, dy, l.low.B.weight(), rows, false)
	m.b.Scale(u, l.low.Scale)
	to.matrix(l.low.A, u, x)
	m.b.MatMulGradX(dx, u, l.low.A.weight(), rows, true)
	m.b.Free(u)
}
