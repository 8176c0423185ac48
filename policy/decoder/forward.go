package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// scratch frees what it allocated, all at once.
type scratch struct {
	b    compute.Backend
	bufs []compute.Buf
}

func (s *scratch) alloc(n int) compute.Buf {
	x := s.b.Alloc(n)
	s.bufs = append(s.bufs, x)
	return x
}

// allocUnset is alloc without the zeros.
func (s *scratch) allocUnset(n int) compute.Buf {
	x := s.b.AllocUnset(n)
	s.bufs = append(s.bufs, x)
	return x
}

// allocActs is allocUnset in the precision of activations.
func (s *scratch) allocActs(n int) compute.Buf {
	x := s.b.AllocActs(n)
	s.bufs = append(s.bufs, x)
	return x
}

func (s *scratch) free() {
	for _, x := range s.bufs {
		s.b.Free(x)
	}
	s.bufs = nil
}

// acts are what a layer's backward pass reads: the residual stream before attention (in) and before the feed-forward
// (mid), q and k after the rotation, and the outputs of attention and of the two inner matrices. Norms and the SwiGLU
// product are computed again.
type acts struct {
	in, mid  compute.Buf // [R, H]
	q, attn  compute.Buf // [R, Heads·D]
	k, v     compute.Buf // [R, KVHeads·D]
	gate, up compute.Buf // [R, Inner]
}

func (m *Model) newActs(s *scratch, rows int, residual bool) acts {
	c := m.cfg
	a := acts{
		q: s.allocActs(rows * c.Heads * c.HeadDim), attn: s.allocActs(rows * c.Heads * c.HeadDim),
		k: s.allocActs(rows * c.KVHeads * c.HeadDim), v: s.allocActs(rows * c.KVHeads * c.HeadDim),
		gate: s.allocActs(rows * c.Inner), up: s.allocActs(rows * c.Inner),
	}
	if residual {
		a.in, a.mid = s.allocUnset(rows*c.Hidden), s.allocUnset(rows*c.Hidden)
	}
	return a
}

// attend computes out from q, k, v of one layer; it may store k and v.
type attend func(layer int, out, q, k, v compute.Buf)

// run gives the residual stream after the last layer, [R, H], allocated in tmp. With keep, each layer's activations
// are allocated there and returned.
func (m *Model) run(tmp, keep *scratch, ids, pos []int32, low bool, att attend) (compute.Buf, []acts) {
	rows, c, b := len(ids), m.cfg, m.b
	x, h, t := tmp.allocUnset(rows*c.Hidden), tmp.allocActs(rows*c.Hidden), tmp.allocUnset(rows*c.Hidden)
	inner := tmp.allocActs(rows * c.Inner)
	var a acts
	var kept []acts
	if keep == nil {
		a = m.newActs(tmp, rows, false)
	}
	b.Embed(x, m.embed.weight(), ids)
	for i := range m.layers {
		y := &m.layers[i]
		if keep != nil {
			a = m.newActs(keep, rows, true)
			kept = append(kept, a)
			b.Copy(a.in, x)
		}
		b.RMSNorm(h, x, y.attnNorm.Data, rows, c.NormEps)
		m.apply(&y.q, a.q, h, rows, low)
		m.apply(&y.k, a.k, h, rows, low)
		m.apply(&y.v, a.v, h, rows, low)
		b.RoPE(a.q, pos, c.Heads, c.HeadDim, m.invFreq, false)
		b.RoPE(a.k, pos, c.KVHeads, c.HeadDim, m.invFreq, false)
		att(i, a.attn, a.q, a.k, a.v)
		m.apply(&y.o, t, a.attn, rows, low)
		b.Add(x, t)
		if keep != nil {
			b.Copy(a.mid, x)
		}
		b.RMSNorm(h, x, y.mlpNorm.Data, rows, c.NormEps)
		m.apply(&y.gate, a.gate, h, rows, low)
		m.apply(&y.up, a.up, h, rows, low)
		b.SwiGLU(inner, a.gate, a.up)
		m.apply(&y.down, t, inner, rows, low)
		b.Add(x, t)
	}
	return x, kept
}
