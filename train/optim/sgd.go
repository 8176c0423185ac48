package optim

import "github.com/burnish-rl/burnish/internal/compute"

var sgd = Info{
	Name: "sgd",
	Doc:  "plain stochastic gradient descent, with heavy-ball momentum if asked for",
	New:  func() Options { return &SGD{} },
}

// SGD is plain gradient descent, the same numbers as torch.optim.SGD.
//
//	g' = g + decay·p;  m = μ·m + g';  p = p - rate·m        (without momentum m = g')
type SGD struct {
	Momentum    float64 `yaml:"momentum"`     // heavy-ball momentum; in [0, 1), 0 is off and needs no memory
	WeightDecay float64 `yaml:"weight_decay"` // L2 penalty on matrices, not on norms; >= 0
}

// Validate checks the options.
func (o *SGD) Validate() error {
	if err := share("momentum", o.Momentum); err != nil {
		return err
	}
	return notNegative("weight_decay", o.WeightDecay)
}

// StateBytes is one velocity an element with momentum, else nothing.
func (o *SGD) StateBytes(elements int64) int64 {
	if o.Momentum == 0 {
		return 0
	}
	return bytesPerElement * elements
}

// New starts with the velocity at zero.
func (o *SGD) New(b compute.Backend, params []Param) Optimizer {
	s := &sgdState{options: *o, b: b, params: params, decay: 1}
	if o.Momentum != 0 {
		s.velocity = zeros(b, params)
	}
	return s
}

type sgdState struct {
	options  SGD
	b        compute.Backend
	params   []Param
	velocity []compute.Buf // nil without momentum
	count    int64
	decay    float64 // factor on the weight decay
}

func (s *sgdState) Step(rate, gradScale float32) error {
	s.count++
	k := compute.SGD{Rate: rate, Momentum: float32(s.options.Momentum), GradScale: gradScale}
	for i, p := range s.params {
		k.Decay = 0
		if p.Decay {
			k.Decay = float32(s.options.WeightDecay * s.decay)
		}
		var m compute.Buf
		if s.velocity != nil {
			m = s.velocity[i]
		}
		s.b.SGD(p.Data, p.Grad, m, k)
	}
	return s.b.Sync()
}

func (s *sgdState) State() []Slot         { return slots("momentum_buffer", s.velocity) }
func (s *sgdState) ScaleDecay(by float64) { s.decay = by }

func (s *sgdState) Count() int64     { return s.count }
func (s *sgdState) SetCount(n int64) { s.count = n }
