// Package optim holds the optimizers, one rule a file, over the kernels of a [compute.Backend]. Choose one with
// [Lookup], make it with [Options].New, and clip with [Clip] before every step.
package optim

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Param is a trained tensor and its gradient, of one length.
type Param struct {
	Name       string
	Data, Grad compute.Buf
	Decay      bool // weight decay applies: matrices yes, norms and biases no
}

// Options are an optimizer's options. A field has a yaml key and a comment with unit and range.
type Options interface {
	Validate() error
	// New makes the optimizer with its state at zero. params keep their order and their buffers.
	New(b compute.Backend, params []Param) Optimizer
	// StateBytes is the state held for that many trained elements.
	StateBytes(elements int64) int64
}

// Slot is one buffer of state, for checkpoints.
type Slot struct {
	Name  string // such as "exp_avg"
	Param int    // index into the params
	Buf   compute.Buf
}

// Optimizer changes the parameters.
type Optimizer interface {
	// Step applies the gradients times gradScale. It reads the gradients and leaves them as they are.
	Step(rate, gradScale float32) error
	// State lists the buffers to be saved, in a fixed order; loading means uploading into them.
	State() []Slot
	// ScaleDecay multiplies the weight decay of the steps to come: decay at a rate that another factor doesn't touch.
	ScaleDecay(by float64)
	// Count is the number of steps taken, the rest of the state.
	Count() int64
	SetCount(int64)
}

const bytesPerElement = 4 // state is float32

// zeros allocates a buffer for every parameter.
func zeros(b compute.Backend, params []Param) []compute.Buf {
	out := make([]compute.Buf, len(params))
	for i, p := range params {
		if p.Data.Len() != p.Grad.Len() {
			panic(fmt.Sprintf("optim: %s has %d elements and a gradient of %d", p.Name, p.Data.Len(), p.Grad.Len()))
		}
		out[i] = b.Alloc(p.Data.Len())
	}
	return out
}

func slots(name string, bufs []compute.Buf) []Slot {
	out := make([]Slot, len(bufs))
	for i, b := range bufs {
		out[i] = Slot{Name: name, Param: i, Buf: b}
	}
	return out
}
