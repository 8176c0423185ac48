package decoder

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Backward adds the gradients of Σ dlogp·logp + Σ dentropy·entropy into the trained parameters and releases the pass.
// Both have one value a row of Packed.Out; dentropy may be nil.
func (p *Pass) Backward(dlogp, dentropy []float32) error {
	if p.kept == nil {
		return fmt.Errorf("backward: the pass was released or not kept, want LogProbs with keep")
	}
	if err := p.p.checkGradients("backward", dlogp, dentropy); err != nil {
		return err
	}
	defer p.Release()
	return p.backward(dlogp, dentropy, nil)
}

// backward goes from the head to the embedding. Unless stats is nil, the head's statistics are taken on the way.
func (p *Pass) backward(dlogp, dentropy []float32, stats *compute.Stats) error {
	if len(dlogp) == 0 {
		return p.m.b.Sync()
	}
	m := p.m
	tmp := &scratch{b: m.b}
	defer tmp.free()
	dx := tmp.alloc(len(p.p.IDs) * m.cfg.Hidden)
	m.headGrad(dx, p.last, p.p, p.temperature, dlogp, dentropy, stats, p.units)

	p.layersGrad(tmp, dx, &adder{m.b, p.runs})
	if m.embed.Grad != nil {
		m.embedGrad.add(m.b, dx, p.p.IDs, m.cfg.Hidden)
	}
	return m.b.Sync()
}

// layersGrad turns dx, the gradient after the last layer, into the one before the first.
func (p *Pass) layersGrad(tmp *scratch, dx compute.Buf, to sink) {
	g := p.m.newLayerGrads(tmp, len(p.p.IDs))
	for i := len(p.m.layers) - 1; i >= 0; i-- {
		in, a := p.restore(i, g.h, g.dh)
		p.feedForwardGrad(&p.m.layers[i], a, g, dx, to)
		p.attentionGrad(&p.m.layers[i], a, in, g, dx, to)
	}
}

// layerGrads is the memory a layer's backward pass works in; the layers use it in turn.
type layerGrads struct {
	h, dh             compute.Buf // [R, H]
	inner, dgate, dup compute.Buf // [R, Inner]
	dinner            compute.Buf // [R, Inner]
	dattn, dq         compute.Buf // [R, Heads·D]
	dk, dv            compute.Buf // [R, KVHeads·D]
}

func (m *Model) newLayerGrads(s *scratch, rows int) *layerGrads {
	c := m.cfg
	q, kv := rows*c.Heads*c.HeadDim, rows*c.KVHeads*c.HeadDim
	return &layerGrads{
		h: s.allocActs(rows * c.Hidden), dh: s.allocUnset(rows * c.Hidden),
		inner: s.allocActs(rows * c.Inner), dgate: s.allocActs(rows * c.Inner),
		dup: s.allocActs(rows * c.Inner), dinner: s.allocActs(rows * c.Inner),
		dattn: s.allocActs(q), dq: s.allocUnset(q), dk: s.allocUnset(kv), dv: s.allocUnset(kv),
	}
}

// feedForwardGrad turns dx, the gradient after x + down(swiglu(norm(x))), into the one before.
func (p *Pass) feedForwardGrad(y *layer, a *acts, g *layerGrads, dx compute.Buf, to sink) {
	m, rows, low := p.m, len(p.p.IDs), p.low
	m.b.SwiGLU(g.inner, a.gate, a.up)
	m.applyGrad(&y.down, g.dinner, dx, g.inner, rows, to, low, false)
	m.b.SwiGLUGrad(g.dgate, g.dup, g.dinner, a.gate, a.up)
	m.b.RMSNorm(g.h, a.mid, y.mlpNorm.Data, rows, m.cfg.NormEps)
	m.applyGrad(&y.gate, g.dh, g.dgate, g.h, rows, to, low, false)
	m.applyGrad(&y.up, g.dh, g.dup, g.h, rows, to, low, true)
	to.norm(y.mlpNorm, dx, g.dh, a.mid, rows, m.cfg.NormEps)
}

// attentionGrad turns dx, the gradient after in + o(attention(norm(in))), into the one before.
func (p *Pass) attentionGrad(y *layer, a *acts, in compute.Buf, g *layerGrads, dx compute.Buf, to sink) {
	m, rows, low, c := p.m, len(p.p.IDs), p.low, p.m.cfg
	m.applyGrad(&y.o, g.dattn, dx, a.attn, rows, to, low, false)
	m.b.Zero(g.dq)
	m.b.Zero(g.dk)
	m.b.Zero(g.dv)
	m.b.AttentionGrad(g.dq, g.dk, g.dv, g.dattn, a.attn, a.q, a.k, a.v, p.p.Segs, c.Attention())
	m.b.RoPE(g.dq, p.p.Pos, c.Heads, c.HeadDim, m.invFreq, true)
	m.b.RoPE(g.dk, p.p.Pos, c.KVHeads, c.HeadDim, m.invFreq, true)
	m.b.RMSNorm(g.h, in, y.attnNorm.Data, rows, c.NormEps)
	m.applyGrad(&y.q, g.dh, g.dq, g.h, rows, to, low, false)
	m.applyGrad(&y.k, g.dh, g.dk, g.h, rows, to, low, true)
	m.applyGrad(&y.v, g.dh, g.dv, g.h, rows, to, low, true)
	to.norm(y.attnNorm, dx, g.dh, in, rows, c.NormEps)
}
