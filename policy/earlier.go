package policy

import (
	"fmt"

	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/weights"
)

// Earlier is a model as it stood at some time, for a reference that follows the policy. Where an adapter is trained it is
// the adapter's copy; else it is a second model that takes the weights over.
type Earlier struct {
	of     *Model
	copy   *decoder.AdapterCopy // or
	second *Model
}

// CopyAdapter is the model as it stands, which has an adapter. Free gives the copy's memory back.
func (m *Model) CopyAdapter() (*Earlier, error) {
	if m.lora == nil {
		return nil, fmt.Errorf("%s has no adapter to copy", m.from)
	}
	return &Earlier{of: m, copy: m.dec.CopyAdapter()}, nil
}

// In makes a second model of the same shape the one that takes over what is trained. It may be frozen.
func (m *Model) In(second *Model) (*Earlier, error) {
	e := &Earlier{of: m, second: second}
	for _, p := range m.trained() {
		if q := second.param(p.Name); q == nil || q.Size() != p.Size() {
			return nil, fmt.Errorf("%s: tensor %s %v is not in the second model %s", m.from, p.Name, p.Shape, second.from)
		}
	}
	return e, nil
}

func (m *Model) trained() (out []*Param) {
	for _, p := range m.Params() {
		if p.Trainable {
			out = append(out, p)
		}
	}
	return out
}

func (m *Model) param(name string) *Param {
	for _, p := range m.Params() {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Update takes the model as it stands now.
func (e *Earlier) Update() error {
	if e.copy != nil {
		e.copy.Update()
		return e.of.Backend().Sync()
	}
	for _, p := range e.of.trained() {
		q := e.second.param(p.Name)
		e.second.Write(q, q.Data, e.of.Read(p, p.Data))
	}
	return e.of.Backend().Sync()
}

// LogProbs are those of the model as it stood.
func (e *Earlier) LogProbs(b Batch) (t *Tokens, err error) {
	if e.second != nil {
		return e.second.LogProbs(b, false)
	}
	err = e.copy.With(func() error {
		t, err = e.of.LogProbs(b, false)
		return err
	})
	return t, err
}

// params are the tensors that Update changes.
func (e *Earlier) params() (m *Model, out []*Param) {
	if e.copy != nil {
		return e.of, e.copy.Params()
	}
	for _, p := range e.of.trained() {
		out = append(out, e.second.param(p.Name))
	}
	return e.second, out
}

// Save writes what Update changes into a safetensors file, in float32.
func (e *Earlier) Save(path string) error {
	m, params := e.params()
	var tensors []weights.NewTensor
	for _, p := range params {
		tensors = append(tensors, weights.NewTensor{Name: p.Name, Shape: p.Shape, Data: func() []float32 { return m.Read(p, p.Data) }})
	}
	return writeTensors(path, "F32", tensors)
}

// Load reads back what Save wrote.
func (e *Earlier) Load(path string) error {
	src, err := weights.OpenSafetensors(path)
	if err != nil {
		return err
	}
	defer src.Close()
	m, params := e.params()
	for _, p := range params {
		data, err := src.Tensor(p.Name, p.Shape...)
		if err != nil {
			return err
		}
		m.Write(p, p.Data, data)
	}
	return m.Backend().Sync()
}

// Free gives the copy's memory back. A second model stays.
func (e *Earlier) Free() {
	if e.copy != nil {
		e.copy.Free()
	}
}
