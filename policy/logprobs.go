package policy

import (
	"errors"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// LogProbs scores the trained tokens of a batch. With keep, the activations stay for [Tokens.Backward]; call
// [Tokens.Release] when that is not to come.
func (m *Model) LogProbs(b Batch, keep bool) (*Tokens, error) {
	packed, lengths, err := b.pack()
	if err != nil {
		return nil, err
	}
	pass, err := m.dec.LogProbs(packed, b.temperature(), keep)
	if err != nil {
		return nil, err
	}
	t := tokensOf(pass.Stats, lengths, packed, pass)
	t.seqs = b.sequences(lengths)
	return t, nil
}

// Learn is [Model.LogProbs] and [Tokens.Backward] in one, for a batch whose dL/dlogp is known beforehand, and dL/dentropy
// (nil for none): a number for each trained token, rows in order. It saves computing the logits twice, and the forward
// pass of a batch that was recorded while it was sampled.
func (m *Model) Learn(b Batch, dlogp, dentropy []float32) (*Tokens, error) {
	packed, lengths, err := b.pack()
	if err != nil {
		return nil, err
	}
	var stats compute.Stats
	if rows := b.recorded(); rows != nil {
		stats, err = m.dec.LearnRecorded(packed, b.temperature(), dlogp, dentropy, b.Recording, rows)
	} else {
		stats, err = m.dec.Learn(packed, b.temperature(), dlogp, dentropy)
	}
	if err != nil {
		return nil, err
	}
	return tokensOf(stats, lengths, packed, nil), nil
}

func (b Batch) temperature() float32 {
	if b.Temperature == 0 {
		return 1
	}
	return b.Temperature
}

func tokensOf(s compute.Stats, lengths []int, p decoder.Packed, pass *decoder.Pass) *Tokens {
	return &Tokens{LogP: s.LogP, Entropy: s.Entropy, SumP2: s.SumP2, Lengths: lengths, Computed: len(p.IDs), pass: pass}
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
	if t.pass == nil {
		return errors.New("backward: these tokens were learned from already")
	}
	defer t.Release()
	return t.pass.Backward(dlogp, dentropy)
}

// Release frees the activations. It may be called again, and after Backward.
func (t *Tokens) Release() {
	if t.pass != nil {
		t.pass.Release()
	}
}

// Recording keeps the activations of a rollout.
type Recording = decoder.Recording

// NewRecording has room for so many decoder rows, and keeps all activations of so many layers.
func (m *Model) NewRecording(rows, layers int) *Recording { return m.dec.NewRecording(rows, layers) }

// Param is one tensor of the model.
type Param = decoder.Param
