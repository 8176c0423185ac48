package policy

import (
	"fmt"

	"github.com/burnish-rl/burnish/policy/decoder"
)

// Merge adds the adapter to the weights that it stands beside. From then on the model has none, and a fresh one may be
// attached: a stage that begins from an adapter has the merged model for its base, and for its reference. The merged
// weights are rounded once, so log-probs move in their last bits; merging the same files again gives the same bits.
//
// It must be called before gradients are enabled.
func (m *Model) Merge() error {
	if m.lora == nil {
		return fmt.Errorf("%s has no adapter to merge", m.from)
	}
	src := mergedSource{m.dec, map[string]*Param{}}
	for _, p := range m.dec.Params() {
		src.params[p.Name] = p
	}
	dec, err := decoder.New(m.dec.Config(), m.Backend(), src)
	if err != nil {
		return inFile(m.from, err)
	}
	m.dec.Close()
	m.dec, m.lora, m.base, m.switchable = dec, nil, "", false
	return nil
}

// mergedSource gives a model's tensors with its adapter in them.
type mergedSource struct {
	dec    *decoder.Model
	params map[string]*Param
}

func (s mergedSource) Tensor(name string, _ ...int) ([]float32, error) {
	p, ok := s.params[name]
	if !ok {
		return nil, fmt.Errorf("tensor %s is not in the model", name)
	}
	return s.dec.ReadMerged(p), nil
}
