package algos

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/algos/advantage"
	"github.com/burnish-rl/burnish/algos/loss"
)

var grpo = Info{
	Name:   "grpo",
	Doc:    "group-relative policy optimisation: a sample is judged against the others of its prompt",
	Source: "Shao et al. 2024, arXiv:2402.03300",
	New: func() Options {
		return &GRPO{ClipLow: 0.2, ClipHigh: 0.2, ScaleRewards: "group", Reduce: "sequence_mean"}
	},
}

// GRPO is the clipped surrogate with advantages from the group.
//
//	L = Σ_t w_t·[-min(ρ_t·A, clip(ρ_t, 1-clip_low, 1+clip_high)·A) + kl_coef·k3_t],   w from Reduce
//
// The KL penalty is off by default, as in TRL; the paper has 0.04.
type GRPO struct {
	ClipLow      float64 `yaml:"clip_low"`      // lower bound of the ratio is 1-clip_low; in (0, 1)
	ClipHigh     float64 `yaml:"clip_high"`     // upper bound of the ratio is 1+clip_high; > 0
	KLCoef       float64 `yaml:"kl_coef"`       // weight of the KL penalty (k3) to the policy before training; >= 0, 0 is off and needs no reference
	ScaleRewards string  `yaml:"scale_rewards"` // group: divide by the group's standard deviation; none: centre only
	Reduce       string  `yaml:"reduce"`        // what a token weighs: token_mean 1/N, sequence_mean 1/(B·T), sequence_sum 1/B, constant 1/(B·max_tokens)
}

// Validate checks the options.
func (a *GRPO) Validate() error {
	if !(a.ClipLow > 0 && a.ClipLow < 1) {
		return fmt.Errorf("clip_low is %v, want a number in (0, 1)", a.ClipLow)
	}
	if !(a.ClipHigh > 0) || math.IsInf(a.ClipHigh, 0) {
		return fmt.Errorf("clip_high is %v, want a number > 0", a.ClipHigh)
	}
	if !(a.KLCoef >= 0) || math.IsInf(a.KLCoef, 0) {
		return fmt.Errorf("kl_coef is %v, want a number >= 0", a.KLCoef)
	}
	if a.ScaleRewards != "group" && a.ScaleRewards != "none" {
		return fmt.Errorf("scale_rewards is %q, want group or none", a.ScaleRewards)
	}
	_, err := reduction(a.Reduce)
	return err
}

// Needs asks for the reference when there is a KL penalty.
func (a *GRPO) Needs() Needs { return Needs{Reference: a.KLCoef > 0} }

// Advantages compares every sample with its group.
func (a *GRPO) Advantages(groups []Group) ([][]float64, error) {
	estimate := advantage.GroupScaled
	if a.ScaleRewards == "none" {
		estimate = advantage.GroupCentred
	}
	out := make([][]float64, len(groups))
	for i, g := range groups {
		for j, r := range g.Rewards {
			if math.IsInf(r, 0) {
				return nil, fmt.Errorf("advantage: group %d: reward of sample %d is %v, want a finite number", i, j, r)
			}
		}
		out[i] = estimate(g.Rewards)
	}
	return out, nil
}

// Objective is [loss.Clip], with [loss.KL] when kl_coef is not 0.
func (a *GRPO) Objective() loss.Objective {
	return loss.WithKL(loss.Clip(a.ClipLow, a.ClipHigh), a.KLCoef)
}

// Reduction is the token weights named by Reduce; call Validate first.
func (a *GRPO) Reduction() loss.Reduction { r, _ := reduction(a.Reduce); return r }
