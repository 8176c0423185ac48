package decoder

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Pass is the result of one forward pass and, when kept, what its backward pass needs.
type Pass struct {
	Stats compute.Stats // one a row of Packed.Out

	m           *Model
	p           Packed
	temperature float32
	low         bool  // the adapter took part
	runs        []int // rows of each prompt group
	kept        *scratch
	layers      []acts
	last        compute.Buf // [N, H], the residual stream after the last layer at the rows Out
}

// LogProbs runs a packed batch and gives the log-prob of each target under the softmax of logits/temperature. With
// keep, the activations stay until Backward or Release.
func (m *Model) LogProbs(p Packed, temperature float32, keep bool) (*Pass, error) {
	if err := p.check(m.cfg); err != nil {
		return nil, err
	}
	if err := p.checkTargets(m.cfg); err != nil {
		return nil, err
	}
	if !(temperature > 0) {
		return nil, fmt.Errorf("batch: temperature %g, want more than 0", temperature)
	}
	tmp := &scratch{b: m.b}
	pass := &Pass{m: m, p: p, temperature: temperature, low: m.lowRankOn(), runs: p.groups()}
	if keep {
		pass.kept = &scratch{b: m.b}
	}
	x, layers := m.run(tmp, pass.kept, p.IDs, p.Pos, pass.low, func(_ int, out, q, k, v compute.Buf) {
		m.b.Attention(out, q, k, v, p.Segs, m.cfg.Attention())
	})
	pass.layers = layers
	picked := scratch{b: m.b}
	n := len(p.Out)
	last := picked.allocUnset(n * m.cfg.Hidden)
	m.b.PickRows(last, x, p.Out, m.cfg.Hidden)
	tmp.free() // before the head's logits, so that both don't add up
	if n > 0 {
		pass.Stats = m.headStats(last, p, temperature)
	}
	if keep {
		pass.last = last
		pass.kept.bufs = append(pass.kept.bufs, picked.bufs...)
	} else {
		picked.free()
	}
	if err := m.b.Sync(); err != nil {
		pass.Release()
		return nil, err
	}
	return pass, nil
}

// Release frees the activations. It may be called again, and after Backward.
func (p *Pass) Release() {
	if p.kept != nil {
		p.kept.free()
	}
	p.kept, p.layers, p.last = nil, nil, nil
}
