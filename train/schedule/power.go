package schedule

import (
	"fmt"
	"math"
)

var power = Info{
	Name:     "power",
	Doc:      "the whole rate up to a number of trained tokens, then a power of their number; a decay at the end",
	Source:   "Shen et al. 2024, arXiv:2408.13359",
	Observes: "the tokens trained so far",
	New: func() Options {
		return &Power{CapTokens: 440_000_000, Exponent: -0.51, Decay: 0.1, Shape: shapeExponential}
	},
}

// Power needs neither the batch nor the number of tokens to be known beforehand.
//
//	rate(n) = min(peak, β·a·n^b),  n tokens trained, β sequences of 4,096 tokens a step, a = 4, b = -0.51   (paper)
//	factor  = min(1, (n/n₀)^b),   n₀ = (peak/(β·a))^(1/b) = cap_tokens, see [CapTokens]
//
// a and the peak of 0.02 were found in pretraining with muP, so what is offered is the shape, under the user's own rate.
// The default n₀ is that of peak 0.02 and β = 128, far more than a post-training run sees: give the number of tokens
// after which the rate should begin to fall.
//
// A warm-up rises as s/W to the factor of its own end, and the decay falls from the factor of its start. The tokens of
// both ends are n·W/s and n·S/s: exact where every step trains as many.
type Power struct {
	Warmup    float64 `yaml:"warmup"`     // share of all steps over which the rate rises from 0; in [0, 1)
	CapTokens int64   `yaml:"cap_tokens"` // trained tokens up to which the rate is whole; >= 1
	Exponent  float64 `yaml:"exponent"`   // of the tokens; in [-1, 0]
	Decay     float64 `yaml:"decay"`      // share of all steps, the last ones, over which the rate falls to 0; in [0, 1], with warmup at most 1
	Shape     string  `yaml:"shape"`      // of that fall: exponential, linear or 1-sqrt
}

// CapTokens is the n₀ of [Power] at which the paper's law for a batch, in sequences of 4,096 tokens, falls below a peak.
func CapTokens(peak, batch float64) float64 {
	const a, b = 4, -0.51
	return math.Pow(peak/(a*batch), 1/b)
}

// Validate checks the options.
func (p *Power) Validate() error {
	if err := phases(share{"warmup", p.Warmup}, share{"decay", p.Decay}); err != nil {
		return err
	}
	if p.CapTokens < 1 {
		return fmt.Errorf("cap_tokens is %d, want 1 or more trained tokens", p.CapTokens)
	}
	if !(p.Exponent >= -1 && p.Exponent <= 0) {
		return fmt.Errorf("exponent is %v, want a number in [-1, 0]", p.Exponent)
	}
	return oneOf("shape", p.Shape, shapeExponential, shapeLinear, shapeRoot)
}

// Open gives the rule.
func (p *Power) Open() (Schedule, error) { return p, nil }

// Rate is the factor for one update.
func (p *Power) Rate(s Seen) float64 {
	rise := WarmupSteps(p.Warmup, s.Steps)
	start := decayStart(p.Decay, s.Steps, rise)
	at := func(step int) float64 { // the law at another step
		if s.Step == 0 {
			return 1
		}
		n := float64(s.Tokens) * float64(step) / float64(s.Step)
		return min(1, math.Pow(n/float64(p.CapTokens), p.Exponent))
	}
	switch {
	case s.Step < rise:
		return float64(s.Step) / float64(rise) * at(rise)
	case s.Step < start || start == s.Steps:
		return at(s.Step)
	}
	const halfLife = 0.1 // of the decay, as in WSD
	return at(start) * fall(p.Shape, part(s.Step, start, s.Steps), 0, halfLife)
}
