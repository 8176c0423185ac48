package optim

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

var adamw = Info{
	Name:   "adamw",
	Doc:    "Adam with decoupled weight decay",
	Source: "Loshchilov and Hutter 2019, arXiv:1711.05101",
	New:    func() Options { return &AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8} },
}

// AdamW is Adam with decoupled weight decay, the same numbers as torch.optim.AdamW.
//
//	m = β1·m + (1-β1)·g;  v = β2·v + (1-β2)·g²
//	p = p·(1 - rate·decay) - rate·(m/(1-β1^t))/(sqrt(v/(1-β2^t)) + eps)
//
// Decay is off by default, as in TRL; it skips parameters that ask for none (norms, biases).
type AdamW struct {
	Beta1       float64 `yaml:"beta1"`        // decay of the mean gradient; in [0, 1)
	Beta2       float64 `yaml:"beta2"`        // decay of the mean squared gradient; in [0, 1)
	Eps         float64 `yaml:"eps"`          // added to the root of the squared gradient; in (0, 1)
	WeightDecay float64 `yaml:"weight_decay"` // decoupled weight decay of matrices, not of norms; >= 0
}

// Validate checks the options.
func (o *AdamW) Validate() error {
	if err := share("beta1", o.Beta1); err != nil {
		return err
	}
	if err := share("beta2", o.Beta2); err != nil {
		return err
	}
	if float32(o.Eps) <= 0 || !(o.Eps < 1) {
		return fmt.Errorf("eps is %v, want a number in (0, 1)", o.Eps)
	}
	return notNegative("weight_decay", o.WeightDecay)
}

// StateBytes is two moments an element.
func (o *AdamW) StateBytes(elements int64) int64 { return 2 * bytesPerElement * elements }

// New starts with both moments at zero.
func (o *AdamW) New(b compute.Backend, params []Param) Optimizer {
	return &adamwState{options: *o, b: b, params: params, mean: zeros(b, params), square: zeros(b, params), decay: 1}
}

type adamwState struct {
	options      AdamW
	b            compute.Backend
	params       []Param
	mean, square []compute.Buf
	count        int64
	decay        float64 // factor on the weight decay
}

func (s *adamwState) Step(rate, gradScale float32) error {
	s.count++
	k := compute.AdamW{
		Rate: rate, Beta1: float32(s.options.Beta1), Beta2: float32(s.options.Beta2), Eps: float32(s.options.Eps),
		GradScale: gradScale,
	}
	// From the rounded betas, which the kernel uses: the first step's v/c2 is then g² and not 1.00005·g².
	k.C1 = float32(1 - math.Pow(float64(k.Beta1), float64(s.count)))
	k.C2 = float32(1 - math.Pow(float64(k.Beta2), float64(s.count)))
	for i, p := range s.params {
		k.Decay = 0
		if p.Decay {
			k.Decay = float32(s.options.WeightDecay * s.decay)
		}
		s.b.AdamW(p.Data, p.Grad, s.mean[i], s.square[i], k)
	}
	return s.b.Sync()
}

// State uses PyTorch's names.
func (s *adamwState) State() []Slot {
	return append(slots("exp_avg", s.mean), slots("exp_avg_sq", s.square)...)
}

func (s *adamwState) ScaleDecay(by float64) { s.decay = by }

func (s *adamwState) Count() int64     { return s.count }
func (s *adamwState) SetCount(n int64) { s.count = n }
