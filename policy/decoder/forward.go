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

// acts are what a layer's backward pass reads beside the layer's input: q and k after the rotation, the outputs of
// attention and of the two inner matrices, and the residual stream before the feed-forward (mid). Norms and the SwiGLU
// product are computed again.
type acts struct {
	q, attn  compute.Buf // [R, Heads·D]
	k, v     compute.Buf // [R, KVHeads·D]
	gate, up compute.Buf // [R, Inner]
	mid      compute.Buf // [R, H]; nil where no backward pass follows
}

func (m *Model) newActs(s *scratch, rows int) acts {
	c := m.cfg
	return acts{
		q: s.allocActs(rows * c.Heads * c.HeadDim), attn: s.allocActs(rows * c.Heads * c.HeadDim),
		k: s.allocActs(rows * c.KVHeads * c.HeadDim), v: s.allocActs(rows * c.KVHeads * c.HeadDim),
		gate: s.allocActs(rows * c.Inner), up: s.allocActs(rows * c.Inner),
	}
}

// attend computes out from q, k, v of one layer; it may store k and v.
type attend func(layer int, out, q, k, v compute.Buf)

// run gives the residual stream after the last layer, [R, H], allocated in tmp. Unless keep is nil, what the backward
// pass needs is left there.
func (m *Model) run(tmp *scratch, keep *kept, ids, pos []int32, low bool, att attend) compute.Buf {
	rows, c, b := len(ids), m.cfg, m.b
	x, h, t := tmp.allocUnset(rows*c.Hidden), tmp.allocActs(rows*c.Hidden), tmp.allocUnset(rows*c.Hidden)
	inner := tmp.allocActs(rows * c.Inner)
	var one acts
	if keep == nil {
		one = m.newActs(tmp, rows)
	}
	b.Embed(x, m.embed.weight(), ids)
	for i := range m.layers {
		a := &one
		if keep != nil {
			a = keep.acts(i)
			b.Copy(keep.in[i], x)
		}
		m.front(i, a, x, h, t, pos, low, att)
		if keep != nil {
			b.Copy(a.mid, x)
		}
		m.back(i, a, x, t, inner, low)
	}
	return x
}

// front is a layer as far as its backward pass needs it: x becomes x + o(attention(norm(x))), the residual stream before
// the feed-forward, h its norm, and a.gate and a.up what the inner matrices make of that. t [R, H] is scratch.
func (m *Model) front(layer int, a *acts, x, h, t compute.Buf, pos []int32, low bool, att attend) {
	rows, c, b, y := len(pos), m.cfg, m.b, &m.layers[layer]
	b.RMSNorm(h, x, y.attnNorm.Data, rows, c.NormEps)
	m.apply(h, rows, low, output{&y.q, a.q}, output{&y.k, a.k}, output{&y.v, a.v})
	b.RoPE(a.q, pos, c.Heads, c.HeadDim, m.invFreq, false)
	b.RoPE(a.k, pos, c.KVHeads, c.HeadDim, m.invFreq, false)
	att(layer, a.attn, a.q, a.k, a.v)
	m.apply(a.attn, rows, low, output{&y.o, t})
	b.Add(x, t)
	b.RMSNorm(h, x, y.mlpNorm.Data, rows, c.NormEps)
	m.apply(h, rows, low, output{&y.gate, a.gate}, output{&y.up, a.up})
}

// back is the rest of a layer: x [R, H] becomes x + down(swiglu(gate, up)). t [R, H] and inner [R, Inner] are scratch.
func (m *Model) back(layer int, a *acts, x, t, inner compute.Buf, low bool) {
	m.b.SwiGLU(inner, a.gate, a.up)
	m.apply(inner, t.Len()/m.cfg.Hidden, low, output{&m.layers[layer].down, t})
	m.b.Add(x, t)
}
