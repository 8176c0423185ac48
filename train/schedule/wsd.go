package schedule

import "fmt"

var wsd = Info{
	Name:   "wsd",
	Doc:    "warm-up, a long stable phase, a short decay in one of three shapes",
	Source: "Hu et al. 2024 (MiniCPM), arXiv:2404.06395",
	New:    func() Options { return &WSD{Warmup: 0.01, Decay: 0.1, Shape: shapeExponential, HalfLife: 0.1} },
}

// WSD is warmup-stable-decay.
//
//	factor(s) = s/W for s < W;  1 for s < S;  then floor + (1-floor)·f(r),  r = (s-S)/(T-S)
//	f(r) = 0.5^(r/half_life)  or  1 - r  or  1 - √r
//
// T steps, W from [WarmupSteps], S = T less the decay. A tenth of the run is enough for the decay and a fortieth is not
// (paper). The paper's half-life is 5,000 steps of its own batch; as a share of the decay, 0.1 leaves 2^-10 of the rate.
// 1-sqrt is that of arXiv:2511.18903.
type WSD struct {
	Warmup   float64 `yaml:"warmup"`    // share of all steps over which the rate rises from 0; in [0, 1)
	Decay    float64 `yaml:"decay"`     // share of all steps, the last ones, over which the rate falls; in [0, 1], with warmup at most 1
	Shape    string  `yaml:"shape"`     // of the fall: exponential, linear or 1-sqrt
	HalfLife float64 `yaml:"half_life"` // share of the decay in which an exponential fall halves the rate; > 0
	Floor    float64 `yaml:"floor"`     // share of the rate that the fall goes towards; in [0, 1]
}

// Validate checks the options.
func (w *WSD) Validate() error {
	if err := phases(share{"warmup", w.Warmup}, share{"decay", w.Decay}); err != nil {
		return err
	}
	if err := oneOf("shape", w.Shape, shapeExponential, shapeLinear, shapeRoot); err != nil {
		return err
	}
	if !(w.HalfLife > 0) {
		return fmt.Errorf("half_life is %v, want a share > 0 of the decay", w.HalfLife)
	}
	return unit("floor", w.Floor, true)
}

// Open gives the rule.
func (w *WSD) Open() (Schedule, error) { return w, nil }

// Rate is the factor for one update.
func (w *WSD) Rate(s Seen) float64 {
	rise := WarmupSteps(w.Warmup, s.Steps)
	start := decayStart(w.Decay, s.Steps, rise)
	switch {
	case s.Step < rise:
		return float64(s.Step) / float64(rise)
	case s.Step < start || start == s.Steps:
		return 1
	}
	return fall(w.Shape, part(s.Step, start, s.Steps), w.Floor, w.HalfLife)
}
