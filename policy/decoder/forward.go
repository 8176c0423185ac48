package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// scratch frees what it allocated, all at once. After a rewind it gives the same buffers again to who asks for the same
// lengths in the same order.
type scratch struct {
	b    compute.Backend
	bufs []compute.Buf
	next int // of bufs
}

func (s *scratch) alloc(n int) compute.Buf {
	if x := s.again(n); x != nil {
		s.b.Zero(x)
		return x
	}
	return s.keep(s.b.Alloc(n))
}

// allocUnset is alloc without the zeros.
func (s *scratch) allocUnset(n int) compute.Buf {
	if x := s.again(n); x != nil {
		return x
	}
	return s.keep(s.b.AllocUnset(n))
}

// allocActs is allocUnset in the precision of activations.
func (s *scratch) allocActs(n int) compute.Buf {
	if x := s.again(n); x != nil {
		return x
	}
	return s.keep(s.b.AllocActs(n))
}

// again gives the next buffer if it has length n, else it frees it.
func (s *scratch) again(n int) compute.Buf {
	if s.next == len(s.bufs) {
		return nil
	}
	x := s.bufs[s.next]
	if x.Len() == n {
		s.next++
		return x
	}
	s.b.Free(x)
	s.bufs[s.next] = nil
	return nil
}

func (s *scratch) keep(x compute.Buf) compute.Buf {
	if s.next == len(s.bufs) {
		s.bufs = append(s.bufs, nil)
	}
	s.bufs[s.next] = x
	s.next++
	return x
}

// rewind makes the buffers free to be given again, without freeing them.
func (s *scratch) rewind() { s.next = 0 }

func (s *scratch) free() {
	for _, x := range s.bufs {
		if x != nil {
			s.b.Free(x)
		}
	}
	s.bufs, s.next = nil, 0
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
