package decoder

import (
	"fmt"
	"strings"
)

// Module is a matrix that an adapter may stand beside.
type Module struct {
	Name string // "model.layers.0.self_attn.q_proj"
	N, K int    // outputs, inputs
}

// Modules lists the layers' matrices in file order.
func (m *Model) Modules() []Module {
	var out []Module
	for i := range m.layers {
		for _, l := range m.layers[i].linears() {
			out = append(out, Module{l.module, l.w.Shape[0], l.w.Shape[1]})
		}
	}
	return out
}

// LowRankParts names the tensors of one module's adapter: A [rank, K] and B [N, rank], row-major.
type LowRankParts struct {
	Rank         int
	Scale        float32
	NameA, NameB string
	A, B         []float32
}

// AttachLowRank puts an adapter beside a module, y = W·x + s·B·(A·x). From then on only adapters are trained: call
// EnableGrads after the last one.
func (m *Model) AttachLowRank(module string, p LowRankParts) error {
	l, ok := m.linears[module]
	switch {
	case !ok:
		return fmt.Errorf("adapter: module %q: not in the model", module)
	case l.low != nil:
		return fmt.Errorf("adapter: module %q: it has an adapter already, want one", module)
	}
	for _, w := range m.params {
		if w.Trainable {
			return fmt.Errorf("adapter: module %q: gradients are enabled, want adapters before EnableGrads", module)
		}
	}
	n, k := l.w.Shape[0], l.w.Shape[1]
	given := memory{p.NameA: p.A, p.NameB: p.B}
	a, err := fetch(given, p.NameA, p.Rank, k)
	if err != nil {
		return err
	}
	b, err := fetch(given, p.NameB, n, p.Rank)
	if err != nil {
		return err
	}
	l.low = &LowRank{
		A:     &Param{Name: p.NameA, Shape: []int{p.Rank, k}, Decay: true},
		B:     &Param{Name: p.NameB, Shape: []int{n, p.Rank}, Decay: true},
		Scale: p.Scale,
	}
	m.add(l.low.A, a)
	m.add(l.low.B, b)
	m.lowRank = true
	return nil
}

// memory is a Source of tensors in memory.
type memory map[string][]float32

func (s memory) Tensor(name string, _ ...int) ([]float32, error) { return s[name], nil }

// LowRank gives a module's adapter, nil when there is none.
func (m *Model) LowRank(module string) *LowRank {
	if l, ok := m.linears[module]; ok {
		return l.low
	}
	return nil
}

// WithoutAdapter runs fn on the base model: the reference policy of a LoRA run.
func (m *Model) WithoutAdapter(fn func() error) error {
	before := m.lowRankOff
	m.lowRankOff = true
	defer func() { m.lowRankOff = before }()
	return fn()
}

func (m *Model) lowRankOn() bool { return m.lowRank && !m.lowRankOff }

// ReadMerged gives W + s·B·A of a module's matrix and the plain tensor of anything else, row-major, for export. Rollouts
// never use it: merged weights have other bits than base and adapter.
func (m *Model) ReadMerged(p *Param) []float32 {
	w := m.Read(p, p.Data)
	l := m.linears[strings.TrimSuffix(p.Name, ".weight")]
	if l == nil || l.low == nil || l.w != p {
		return w
	}
	a, b := m.Read(l.low.A, l.low.A.Data), m.Read(l.low.B, l.low.B.Data)
	rank, k := l.low.rank(), p.Shape[1]
	for n := range p.Shape[0] {
		for j := range k {
			sum := 0.0
			for r := range rank {
				sum += float64(b[n*rank+r]) * float64(a[r*k+j])
			}
			w[n*k+j] = float32(float64(w[n*k+j]) + float64(l.low.Scale)*sum)
		}
	}
	return w
}
