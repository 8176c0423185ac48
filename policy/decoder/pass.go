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
	kept        *kept
	last        compute.Buf // [N, H], the residual stream after the last layer at the rows Out

	units units // how the head's gradient is made

	from *Recording // where the forward pass was recorded, nil when it was run
	rows []int32    // the recorded row of each row
}

// LogProbs runs a packed batch and gives the log-prob of each target under the softmax of logits/temperature. With
// keep, the activations stay until Backward or Release.
func (m *Model) LogProbs(p Packed, temperature float32, keep bool) (*Pass, error) {
	pass, err := m.forward(p, temperature, keep)
	if err != nil {
		return nil, err
	}
	if len(p.Out) > 0 {
		pass.Stats = m.headStats(pass.last, p, temperature)
	}
	if !keep {
		pass.Release()
	}
	if err := m.b.Sync(); err != nil {
		pass.Release()
		return nil, err
	}
	return pass, nil
}

// Learn is LogProbs and Backward in one, for gradients that are known before the forward pass: of the loss L with respect
// to each log-prob and entropy (nil for none), one a row of Packed.Out. The logits are computed once instead of twice;
// every bit is the same.
func (m *Model) Learn(p Packed, temperature float32, dlogp, dentropy []float32) (compute.Stats, error) {
	if err := p.checkGradients("learn", dlogp, dentropy); err != nil {
		return compute.Stats{}, err
	}
	pass, err := m.forward(p, temperature, true)
	if err != nil {
		return compute.Stats{}, err
	}
	defer pass.Release()
	err = pass.backward(dlogp, dentropy, &pass.Stats)
	return pass.Stats, err
}

// checkGradients wants one number a row of Out.
func (p Packed) checkGradients(what string, dlogp, dentropy []float32) error {
	switch n := len(p.Out); {
	case len(dlogp) != n:
		return fmt.Errorf("%s: %d log-prob gradients, want %d", what, len(dlogp), n)
	case dentropy != nil && len(dentropy) != n:
		return fmt.Errorf("%s: %d entropy gradients, want %d", what, len(dentropy), n)
	}
	return nil
}

// LearnRecorded is Learn of a batch whose forward pass was recorded while it was generated: rows has the recorded row of
// each row of the batch. A recording of other weights is an error. Every bit is that of Learn.
func (m *Model) LearnRecorded(p Packed, temperature float32, dlogp, dentropy []float32, r *Recording, rows []int32) (compute.Stats, error) {
	if err := p.checkGradients("learn", dlogp, dentropy); err != nil {
		return compute.Stats{}, err
	}
	pass, err := r.pass(p, temperature, rows)
	if err != nil {
		return compute.Stats{}, err
	}
	defer pass.Release()
	err = pass.backward(dlogp, dentropy, &pass.Stats)
	return pass.Stats, err
}

// forward runs the layers.
func (m *Model) forward(p Packed, temperature float32, keep bool) (*Pass, error) {
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
	defer tmp.free() // before the head's logits, so that both don't add up
	pass := &Pass{m: m, p: p, temperature: temperature, low: m.lowRankOn(), runs: p.groups()}
	if keep {
		pass.kept = m.newKept(len(p.IDs), m.keepLayers)
	}
	x := m.run(tmp, pass.kept, p.IDs, p.Pos, pass.low, pass.attend)
	pass.last = m.b.AllocUnset(len(p.Out) * m.cfg.Hidden)
	m.b.PickRows(pass.last, x, p.Out, m.cfg.Hidden)
	return pass, nil
}

func (p *Pass) attend(_ int, out, q, k, v compute.Buf) {
	p.m.b.Attention(out, q, k, v, p.p.Segs, p.m.cfg.Attention())
}

// Release frees the activations. It may be called again, and after Backward.
func (p *Pass) Release() {
	if p.kept != nil {
		p.kept.free()
	}
	if p.last != nil {
		p.m.b.Free(p.last)
	}
	p.kept, p.last = nil, nil
}
