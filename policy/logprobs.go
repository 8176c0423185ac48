package policy

import "github.com/burnish-rl/burnish/policy/decoder"

// LogProbs scores the trained tokens of a batch. With keep, the activations stay for [Tokens.Backward]; call
// [Tokens.Release] when that is not to come.
func (m *Model) LogProbs(b Batch, keep bool) (*Tokens, error) {
	packed, lengths, err := b.pack()
	if err != nil {
		return nil, err
	}
	temperature := b.Temperature
	if temperature == 0 {
		temperature = 1
	}
	pass, err := m.dec.LogProbs(packed, temperature, keep)
	if err != nil {
		return nil, err
	}
	return &Tokens{
		LogP: pass.Stats.LogP, Entropy: pass.Stats.Entropy, SumP2: pass.Stats.SumP2,
		Lengths: lengths, Computed: len(packed.IDs), pass: pass,
	}, nil
}

// LogProbsWithoutAdapter is LogProbs under the base model, with the adapter switched off.
func (m *Model) LogProbsWithoutAdapter(b Batch) (t *Tokens, err error) {
	err = m.dec.WithoutAdapter(func() error {
		t, err = m.LogProbs(b, false)
		return err
	})
	return t, err
}

// Backward adds the gradient of L, given dL/dlogp and dL/dentropy (nil for none), both [N], and releases.
func (t *Tokens) Backward(dlogp, dentropy []float32) error {
	defer t.Release()
	return t.pass.Backward(dlogp, dentropy)
}

// Release frees the activations. It may be called again, and after Backward.
func (t *Tokens) Release() { t.pass.Release() }

// Param is one tensor of the model.
type Param = decoder.Param
