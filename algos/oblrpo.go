package algos

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/algos/loss"
	"github.com/burnish-rl/burnish/algos/snr"
)

var oblrpo = Info{
	Name:   "oblr-po",
	Doc:    "the variance-optimal, gradient-weighted baseline, and a learning rate that follows the gradient's signal-to-noise ratio",
	Source: "Huang et al. 2025, arXiv:2511.23310",
	New: func() Options {
		o := snr.Defaults()
		return &OBLRPO{
			Baseline: "weighted", Weights: ExactNorm, Kappa: 1, SNR: SNRRate{On: true, Beta: o.Beta, Floor: o.Floor, Power: o.Power, Lag: o.Lag},
			ClipLow: 0.2, ClipHigh: 0.2, ScaleRewards: "none", Reduce: "sequence_sum",
		}
	},
}

// OBLRPO is the clipped surrogate with a leave-one-out baseline that weighs the other samples by their squared gradient
// norms, shrunk towards earlier steps, and a learning rate times ρ^power, ρ = |E g|²/E|ĝ|².
//
//	A_i = r_i - (Σ_{j≠i} w_j·r_j + κ·b0)/(Σ_{j≠i} w_j + κ),   w_j = |∇ log π(y_j)|²,   κ = kappa·mean w
//
// Baseline token has one such baseline for each position, from [advantage.UpToTokenLeaveOneOut]; weights is not read then.
//
// Either half works alone: baseline rloo, mean or none leaves the rate's; snr.on false leaves the baseline's. Only the
// paper's abstract was read: docs/oblr-po.md says what is the paper's and what was derived here.
type OBLRPO struct {
	Baseline     string  `yaml:"baseline"`      // weighted: by squared gradient norms, leave-one-out; token: one for each position, by the energy of the answers up to it; auto: the best of several on a probe batch; rloo; mean: of the group; none
	Weights      string  `yaml:"weights"`       // of baseline weighted: exact (lora beside an adapter, else ghost), ghost, lora, ghost_completion, head_exact, head, energy, len
	Kappa        float64 `yaml:"kappa"`         // shrinks the baseline towards that of earlier steps, in samples; >= 0, 1 to 4 at few samples a prompt
	SNR          SNRRate `yaml:"snr"`           // the learning rate's factor
	ClipLow      float64 `yaml:"clip_low"`      // lower bound of the ratio is 1-clip_low; in (0, 1)
	ClipHigh     float64 `yaml:"clip_high"`     // upper bound of the ratio is 1+clip_high; > 0
	KLCoef       float64 `yaml:"kl_coef"`       // weight of the KL penalty (k3) to the policy before training; >= 0, 0 is off and needs no reference
	SyncRef      int     `yaml:"sync_ref"`      // the policy becomes its own reference after every so many steps; >= 0, 0 is never; wants kl_coef
	ScaleRewards string  `yaml:"scale_rewards"` // none; group: divide by the group's standard deviation, which biases a weighted baseline
	Reduce       string  `yaml:"reduce"`        // what a token weighs: sequence_sum 1/B, constant 1/(B·max_tokens); sequence_mean 1/(B·T) and token_mean 1/N bias a weighted baseline
	AllowBiased  bool    `yaml:"allow_biased"`  // run with a biased combination; every line of metrics then says so
}

// SNRRate are the options of the learning rate's factor; see [snr.Rule].
type SNRRate struct {
	On    bool    `yaml:"on"`    // false: the factor is 1, and nothing is measured
	Beta  float64 `yaml:"beta"`  // smoothing of signal and of squared norm; in [0, 1)
	Floor float64 `yaml:"floor"` // least signal share; in (0, 1]
	Power float64 `yaml:"power"` // rate = lr·share^power; in (0, 1], 1 for SGD, 0.5 for Adam
	Lag   int     `yaml:"lag"`   // 1: the share of earlier steps; 0: of this one too, which biases the step
}

func (s SNRRate) options() snr.Options {
	return snr.Options{Beta: s.Beta, Floor: s.Floor, Power: s.Power, Lag: s.Lag}
}

var (
	oblrBaselines = []string{"weighted", "token", "auto", "rloo", "mean", "none"}
	// oblrWeights are package policy's kinds, which this package doesn't import, after exact.
	oblrWeights = []string{ExactNorm, "ghost", "lora", "ghost_completion", "head_exact", "head", "energy", "len"}
)

// Validate checks the options.
func (a *OBLRPO) Validate() error {
	if !slices.Contains(oblrBaselines, a.Baseline) {
		return fmt.Errorf("baseline is %q, want one of %s", a.Baseline, strings.Join(oblrBaselines, ", "))
	}
	if !slices.Contains(oblrWeights, a.Weights) {
		return fmt.Errorf("weights is %q, want one of %s", a.Weights, strings.Join(oblrWeights, ", "))
	}
	if !(a.Kappa >= 0) || math.IsInf(a.Kappa, 0) {
		return fmt.Errorf("kappa is %v, want a number >= 0", a.Kappa)
	}
	if err := a.SNR.options().Validate(); err != nil {
		return fmt.Errorf("snr: %w", err)
	}
	switch {
	case !(a.ClipLow > 0 && a.ClipLow < 1):
		return fmt.Errorf("clip_low is %v, want a number in (0, 1)", a.ClipLow)
	case !(a.ClipHigh > 0) || math.IsInf(a.ClipHigh, 0):
		return fmt.Errorf("clip_high is %v, want a number > 0", a.ClipHigh)
	case !(a.KLCoef >= 0) || math.IsInf(a.KLCoef, 0):
		return fmt.Errorf("kl_coef is %v, want a number >= 0", a.KLCoef)
	case a.ScaleRewards != "group" && a.ScaleRewards != "none":
		return fmt.Errorf("scale_rewards is %q, want group or none", a.ScaleRewards)
	}
	if _, err := reduction(a.Reduce); err != nil {
		return err
	}
	if err := validateSync(a.SyncRef, a.KLCoef); err != nil {
		return err
	}
	if why := a.bias(); why != "" && !a.AllowBiased {
		return errors.New(why + "; want allow_biased: true to run it all the same, and to have every line of metrics say so")
	}
	return nil
}

// bias says why the combination is biased, "" when it isn't. A baseline leaves the gradient unbiased since E[b·s] = 0,
// which a factor that depends on the sample spoils.
func (a *OBLRPO) bias() string {
	switch {
	case a.Baseline != "weighted" && a.Baseline != "auto" && a.Baseline != "token":
		return ""
	case a.ScaleRewards == "group":
		return "scale_rewards group with baseline " + a.Baseline + " is biased: the group's deviation depends on the sample, so E[b·s/std] is not 0"
	case a.Reduce == "sequence_mean":
		return "reduce sequence_mean with baseline " + a.Baseline + " is biased: the sample's length depends on it, so E[b·s/T] is not 0"
	case a.Reduce == "token_mean":
		return "reduce token_mean with baseline " + a.Baseline + " is biased: the number of tokens depends on the sample, so E[b·s/N] is not 0"
	}
	return ""
}

// Objective is [loss.Clip], with [loss.KL] when kl_coef is not 0.
func (a *OBLRPO) Objective() loss.Objective {
	return loss.WithKL(loss.Clip(a.ClipLow, a.ClipHigh), a.KLCoef)
}

// Reduction is the token weights named by Reduce; call Validate first.
func (a *OBLRPO) Reduction() loss.Reduction { r, _ := reduction(a.Reduce); return r }

// Open gives the algorithm of a run, which remembers earlier steps.
func (a *OBLRPO) Open() Algorithm { return &oblrRun{OBLRPO: *a} }

// Advantages are those of a first step, before there is anything to shrink towards.
func (a *OBLRPO) Advantages(groups []Group) ([][]float64, error) { return a.Open().Advantages(groups) }

// TokenAdvantages are those of a first step under baseline token.
func (a *OBLRPO) TokenAdvantages(groups []Group) ([][][]float64, error) {
	return a.Open().(TokenEstimator).TokenAdvantages(groups)
}

// CheckPrompts refuses fewer prompts a step than the rate's factor can be measured from.
func (a *OBLRPO) CheckPrompts(n int) (warning string, err error) {
	if !a.SNR.On {
		return "", nil
	}
	if warning, err = snr.CheckGroups(n); err != nil {
		return "", fmt.Errorf("oblr-po: snr: %w; snr.on: false leaves the rate alone", err)
	}
	return warning, nil
}

// Needs asks for row norms under a weighted baseline and for gradient statistics under the rate's factor.
func (a *OBLRPO) Needs() Needs { return a.Open().Needs() }
