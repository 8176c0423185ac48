package snr

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

const (
	// LeastGroups is the fewest prompt groups a step that the rule works with.
	LeastGroups = 4
	// EnoughGroups is where the smoothing is as given; with fewer it is stronger.
	EnoughGroups = 8
	// Warmup is the number of steps over which the factor is raised to its value.
	Warmup = 10
)

// Options of the rule.
type Options struct {
	Beta  float64 `yaml:"beta"`  // smoothing of signal and of squared norm; in [0, 1), 0.95
	Floor float64 `yaml:"floor"` // least ρ; in (0, 1], 0.05
	Power float64 `yaml:"power"` // rate = lr·ρ^power; in (0, 1]: 1 for SGD, 0.5 for Adam, which damps noisy coordinates itself
	Lag   int     `yaml:"lag"`   // 1: ρ of earlier steps, so that the rate is independent of the gradient; 0: of this one too
}

// Defaults are the rule's settings.
func Defaults() Options { return Options{Beta: 0.95, Floor: 0.05, Power: 1, Lag: 1} }

// Validate checks the options.
func (o Options) Validate() error {
	switch {
	case !(o.Beta >= 0 && o.Beta < 1):
		return fmt.Errorf("beta is %v, want a number in [0, 1)", o.Beta)
	case !(o.Floor > 0 && o.Floor <= 1):
		return fmt.Errorf("floor is %v, want a number in (0, 1]", o.Floor)
	case !(o.Power > 0 && o.Power <= 1):
		return fmt.Errorf("power is %v, want a number in (0, 1]", o.Power)
	case o.Lag != 0 && o.Lag != 1:
		return fmt.Errorf("lag is %d, want 0 or 1", o.Lag)
	}
	return nil
}

// CheckGroups refuses fewer prompts a step than the estimate needs, and warns of few.
func CheckGroups(k int) (warning string, err error) {
	switch {
	case k < LeastGroups:
		return "", fmt.Errorf("%d prompts a step, want at least %d: the signal-to-noise ratio is estimated from the gradients of different prompts", k, LeastGroups)
	case k < EnoughGroups:
		return fmt.Sprintf("%d prompts a step are few to estimate the signal-to-noise ratio from: it is smoothed over %.1f times as many steps, 8 need none of that", k, EnoughGroups/float64(k)), nil
	}
	return "", nil
}

// Rule is the factor on the learning rate.
//
//	M ← β·M + (1-β)·Signal,   P ← β·P + (1-β)·Squared,   ρ = clamp(M/P, floor, 1),   factor = ρ^power
//
// Numerator and denominator are smoothed apart, never their ratio; with equal β the corrections 1-β^t cancel. Over the
// first ten steps the factor is max(floor, (t/10)·ρ^power). With fewer than 8 groups 1-β shrinks by K/8, so that as many
// prompts are averaged over. An estimate that is not finite is counted and leaves everything as it is; P = 0 leaves ρ.
type Rule struct {
	options Options
	s       ruleState
}

// ruleState is what a checkpoint keeps.
type ruleState struct {
	Steps   int64   // seen
	Signal  float64 // M
	Squared float64 // P
	Mass    float64 // Σ of the weights in M and P, 1-β^t at a constant β
	Ratio   float64 // the last M/P, clamped
	Floored int64   // steps whose ρ was at the floor
	Skipped int64   // estimates that were not finite
}

// New starts with nothing seen: ρ is 1, and the warm-up keeps the rate low.
func New(o Options) *Rule { return &Rule{options: o, s: ruleState{Ratio: 1}} }

// Step takes a step's estimate in and gives the factor of its learning rate, in (0, 1].
func (r *Rule) Step(e Estimate) float64 {
	r.s.Steps++
	if r.options.Lag == 0 {
		r.observe(e)
		return r.factor()
	}
	f := r.factor()
	r.observe(e)
	return f
}

func (r *Rule) factor() float64 {
	o, rho := r.options, r.s.Ratio
	if rho <= o.Floor {
		r.s.Floored++
	}
	f := math.Pow(rho, o.Power)
	if r.s.Steps <= Warmup {
		return math.Max(o.Floor, float64(r.s.Steps)/Warmup*f)
	}
	return f
}

func (r *Rule) observe(e Estimate) {
	s := &r.s
	if !finite(e.Signal) || !finite(e.Squared) {
		s.Skipped++
		return
	}
	fresh := (1 - r.options.Beta) * math.Min(1, float64(e.Groups)/EnoughGroups)
	s.Signal += fresh * (e.Signal - s.Signal)
	s.Squared += fresh * (e.Squared - s.Squared)
	s.Mass += fresh * (1 - s.Mass)
	if s.Squared > 0 {
		s.Ratio = math.Min(1, math.Max(r.options.Floor, s.Signal/s.Squared))
	}
}

// Rescale carries the averages over to another metric: by is the new squared norm of one gradient over its old one.
func (r *Rule) Rescale(by float64) {
	if finite(by) && by > 0 {
		r.s.Signal *= by
		r.s.Squared *= by
	}
}

// Steps is how many steps were seen.
func (r *Rule) Steps() int { return int(r.s.Steps) }

// Ratio is ρ for the next step.
func (r *Rule) Ratio() float64 { return r.s.Ratio }

// Means are M and P, corrected for their start at 0; NaN before the first step.
func (r *Rule) Means() (signal, squared float64) {
	return r.s.Signal / r.s.Mass, r.s.Squared / r.s.Mass
}

// SNR is M/(P - M), the signal-to-noise ratio of a step's gradient: infinite without noise, negative where the estimate
// of the signal is.
func (r *Rule) SNR() float64 { return r.s.Signal / (r.s.Squared - r.s.Signal) }

// NoiseScale is the number of prompts at which signal and noise are equal: K/SNR. Infinite where no signal is seen.
func (r *Rule) NoiseScale(groups int) float64 {
	if snr := r.SNR(); snr > 0 {
		return float64(groups) / snr
	}
	return math.Inf(1)
}

// AtFloor is the share of steps whose ρ was at the floor.
func (r *Rule) AtFloor() float64 { return float64(r.s.Floored) / math.Max(1, float64(r.s.Steps)) }

// Skipped counts estimates that were not finite.
func (r *Rule) Skipped() int { return int(r.s.Skipped) }

// MarshalBinary gives the state for a checkpoint.
func (r *Rule) MarshalBinary() ([]byte, error) {
	return binary.Append(nil, binary.LittleEndian, &r.s)
}

// UnmarshalBinary takes a state up again.
func (r *Rule) UnmarshalBinary(data []byte) error {
	var s ruleState
	if n, err := binary.Decode(data, binary.LittleEndian, &s); err != nil || n != len(data) {
		return errors.Join(fmt.Errorf("snr: state of %d bytes, want %d", len(data), binary.Size(s)), err)
	}
	r.s = s
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
