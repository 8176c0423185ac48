package schedule

import (
	"encoding/binary"
	"fmt"
	"math"
)

var hypergradient = Info{
	Name:     "hypergradient",
	Doc:      "the rate grows while updates agree in direction, and shrinks while they don't",
	Source:   "after Wang et al. 2023 (FedHyper), arXiv:2310.03156, and Baydin et al. 2018, arXiv:1703.04782",
	Observes: "the cosine between the last two updates",
	New:      func() Options { return &Hypergradient{Kappa: 0.02, Floor: 0.1, Ceiling: 10} },
}

// Hypergradient follows the derivative of the loss with respect to the rate.
//
//	m ← clip(m·(1 + kappa·c), floor, ceiling),   c = <u_t, u_{t-1}>/(|u_t|·|u_{t-1}|)
//	factor = m, and s/W of it for s < W;   m = 1 at first, W from [WarmupSteps]
//
// u_t is what the update before this one changed in the trained weights, u_{t-1} the one before it. FedHyper's rule takes
// the plain product of two updates, whose size depends on the model; the cosine doesn't. Rules that look one step ahead
// tend to rates too small for a long run (Wu et al. 2018, arXiv:1803.02021): a safety net for a wrong first rate.
type Hypergradient struct {
	Warmup  float64 `yaml:"warmup"`  // share of all steps over which the rate rises from 0; in [0, 1)
	Kappa   float64 `yaml:"kappa"`   // how much of the rate an update changes at most; in [0, 1)
	Floor   float64 `yaml:"floor"`   // smallest multiple of the base rate; in (0, 1]
	Ceiling float64 `yaml:"ceiling"` // largest multiple of the base rate; >= 1
}

// Validate checks the options.
func (h *Hypergradient) Validate() error {
	if err := unit("warmup", h.Warmup, false); err != nil {
		return err
	}
	if err := unit("kappa", h.Kappa, false); err != nil {
		return err
	}
	if !(h.Floor > 0 && h.Floor <= 1) {
		return fmt.Errorf("floor is %v, want a multiple in (0, 1]", h.Floor)
	}
	if !(h.Ceiling >= 1) || math.IsInf(h.Ceiling, 0) {
		return fmt.Errorf("ceiling is %v, want a multiple >= 1", h.Ceiling)
	}
	return nil
}

// Open starts at the base rate.
func (h *Hypergradient) Open() (Schedule, error) {
	return &hyperRate{Hypergradient: *h, multiple: 1}, nil
}

// hyperRate is the rule in use. It remembers the multiple m.
type hyperRate struct {
	Hypergradient
	multiple float64
}

// Needs asks for the cosine.
func (h *hyperRate) Needs() Needs { return Needs{Cosine: true} }

// Rate takes in the cosine of the last two updates.
func (h *hyperRate) Rate(s Seen) float64 {
	if !math.IsNaN(s.Cosine) {
		h.multiple = min(max(h.multiple*(1+h.Kappa*s.Cosine), h.Floor), h.Ceiling)
	}
	return h.multiple * part(s.Step, 0, WarmupSteps(h.Warmup, s.Steps))
}

// MarshalBinary saves the multiple.
func (h *hyperRate) MarshalBinary() ([]byte, error) {
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(h.multiple)), nil
}

// UnmarshalBinary goes on from a saved multiple.
func (h *hyperRate) UnmarshalBinary(b []byte) error {
	if len(b) != 8 {
		return fmt.Errorf("hypergradient: saved state of %d bytes, want 8", len(b))
	}
	m := math.Float64frombits(binary.LittleEndian.Uint64(b))
	if !(m >= h.Floor && m <= h.Ceiling) {
		return fmt.Errorf("hypergradient: saved multiple %v, want floor %v to ceiling %v", m, h.Floor, h.Ceiling)
	}
	h.multiple = m
	return nil
}
