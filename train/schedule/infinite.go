package schedule

import (
	"fmt"
	"math"
)

var infinite = Info{
	Name:   "infinite",
	Doc:    "warm-up, cool-down to a rate that could be held for ever, and an annealing at the end",
	Source: "Ibrahim et al. 2024, arXiv:2403.08763, section 7; Singh et al. 2025, arXiv:2503.02844",
	New: func() Options {
		return &Infinite{Warmup: 0.01, Cooldown: 0.6, Hold: 0.55, Decay: 0.1, Floor: 0.1}
	},
}

// Infinite has four phases. All but the last are the same however long the run becomes, so that new data continue the
// third, and the last is for a model that is to be used.
//
//	s < W         s/W
//	s < W + C     hold + (1-hold)/2·(1 + cos(π·(s-W)/C))
//	s < S         hold
//	s >= S        hold·(floor/hold)^((s-S)/(T-S))
//
// T steps; W, C, T-S the shares in steps. One published implementation divides by T rather than T-S in the last exponent
// and so never arrives at the floor; this one does. Rates held and left are those of the paper's 405M runs (1.65e-4 and
// 3e-5 of 3e-4), as is the cool-down of 60%; the length of the annealing is ours.
type Infinite struct {
	Warmup   float64 `yaml:"warmup"`   // share of all steps over which the rate rises from 0; in [0, 1)
	Cooldown float64 `yaml:"cooldown"` // share of all steps over which the rate falls to hold; in [0, 1]
	Hold     float64 `yaml:"hold"`     // share of the rate that is held; in (0, 1]
	Decay    float64 `yaml:"decay"`    // share of all steps, the last ones, over which the rate falls to floor; in [0, 1], 0 for none
	Floor    float64 `yaml:"floor"`    // share of the rate left at the end; in (0, hold]
}

// Validate checks the options.
func (i *Infinite) Validate() error {
	if err := phases(share{"warmup", i.Warmup}, share{"cooldown", i.Cooldown}, share{"decay", i.Decay}); err != nil {
		return err
	}
	if !(i.Hold > 0 && i.Hold <= 1) {
		return fmt.Errorf("hold is %v, want a share in (0, 1]", i.Hold)
	}
	if !(i.Floor > 0 && i.Floor <= i.Hold) {
		return fmt.Errorf("floor is %v, want a share in (0, hold], hold is %v", i.Floor, i.Hold)
	}
	return nil
}

// Open gives the rule.
func (i *Infinite) Open() (Schedule, error) { return i, nil }

// Rate is the factor for one update.
func (i *Infinite) Rate(s Seen) float64 {
	rise := WarmupSteps(i.Warmup, s.Steps)
	start := decayStart(i.Decay, s.Steps, rise)
	cool := min(rise+WarmupSteps(i.Cooldown, s.Steps), start)
	switch {
	case s.Step < rise:
		return float64(s.Step) / float64(rise)
	case s.Step < cool:
		return fall(shapeCosine, part(s.Step, rise, cool), i.Hold, 1)
	case s.Step < start || start == s.Steps:
		return i.Hold
	}
	return i.Hold * math.Pow(i.Floor/i.Hold, part(s.Step, start, s.Steps))
}
