package decoder

import (
	"github.com/burnish-rl/burnish/internal/compute"
)

// Param is one tensor of the model.
type Param struct {
	Name      string
	Shape     []int       // [N, K] of a matrix y = x·Wᵀ, [H] of a norm
	Data      compute.Buf // in the backend's layout; see [Model.Read]. nil of a frozen matrix that is kept in bf16
	Half      compute.Buf // a matrix in bf16 where the backend computes in it, else nil
	Grad      compute.Buf // the same layout; nil unless Trainable
	Trainable bool
	Decay     bool // false for norms, which weight decay leaves alone
}

// Matrix tells a matrix from a norm's vector.
func (p *Param) Matrix() bool { return len(p.Shape) == 2 }

// Size is the number of elements, without the padding of the backend's layout.
func (p *Param) Size() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

func (p *Param) grad() compute.Weight { return p.in(p.Grad) }

func (p *Param) weight() compute.Weight {
	w := p.in(p.Data)
	w.Half = p.Half
	return w
}

func (p *Param) in(b compute.Buf) compute.Weight {
	return compute.Weight{N: p.Shape[0], K: p.Shape[1], Data: b}
}

// alloc gives zeros in p's layout.
func (p *Param) alloc(b compute.Backend) compute.Buf {
	if p.Matrix() {
		return b.NewWeight(p.Shape[0], p.Shape[1]).Data
	}
	return b.Alloc(p.Shape[0])
}

// Read gives a buffer in p's layout (its weights, gradient, or an optimizer's moments) in row-major order. nil is
// p.Data of a frozen matrix.
func (m *Model) Read(p *Param, buf compute.Buf) []float32 {
	out := make([]float32, p.Size())
	if p.Matrix() {
		w := p.in(buf)
		if buf == nil {
			w.Half = p.Half
		}
		m.b.DownloadWeight(out, w)
	} else {
		m.b.Download(out, buf)
	}
	return out
}

// Write fills a buffer in p's layout from row-major order. nil is p.Data of a frozen matrix.
func (m *Model) Write(p *Param, buf compute.Buf, rowMajor []float32) {
	if p.Matrix() && buf == nil {
		w := m.b.NewWeight(p.Shape[0], p.Shape[1])
		m.b.UploadWeight(w, rowMajor)
		w.Half = p.Half
		m.b.Halve(w)
		m.b.Free(w.Data)
	} else if p.Matrix() {
		m.b.UploadWeight(p.in(buf), rowMajor)
		if buf == p.Data && p.Half != nil {
			m.b.Halve(p.weight())
		}
	} else {
		m.b.Upload(buf, rowMajor)
	}
	m.state++
}
