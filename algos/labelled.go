package algos

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/algos/loss"
)

// Labelled is what all algorithms of labelled answers share: no rewards, and the mean over pairs or answers.
type Labelled struct{}

// Advantages is nil: labels are not compared.
func (Labelled) Advantages([]Group) ([][]float64, error) { return nil, nil }

// Reduction is [loss.SequenceMean]: the mean over pairs, or over answers.
func (Labelled) Reduction() loss.Reduction { return loss.SequenceMean }

// Implicit is an algorithm that takes for the reward of an answer beta times its log-ratio to the reference, or without a
// reference its log-prob, summed over the answer's tokens or their mean. Metrics are made from it.
type Implicit interface {
	ImplicitReward() (beta float64, perToken bool)
}

// ImplicitReward is beta times the log-ratio; its mean over tokens where the loss takes that.
func (a *DPO) ImplicitReward() (beta float64, perToken bool) {
	for _, l := range pairLosses {
		if l.name == a.Loss {
			perToken = l.perToken
		}
	}
	return a.Beta, perToken
}

// ImplicitReward is beta times the mean log-prob.
func (a *SimPO) ImplicitReward() (beta float64, perToken bool) { return a.Beta, true }

// ImplicitReward is beta times the log-prob; its mean over tokens for loss ipo.
func (a *CPO) ImplicitReward() (beta float64, perToken bool) { return a.Beta, a.Loss == "ipo" }

// ImplicitReward is lambda times the mean log-prob.
func (a *ORPO) ImplicitReward() (beta float64, perToken bool) { return a.Lambda, true }

// ImplicitReward is beta times the log-ratio.
func (a *KTO) ImplicitReward() (beta float64, perToken bool) { return a.Beta, false }

// ImplicitReward is beta times the log-ratio.
func (a *BCO) ImplicitReward() (beta float64, perToken bool) { return a.Beta, false }

// ImplicitReward is what the principles are told apart by.
func (a *SAMI) ImplicitReward() (beta float64, perToken bool) { return 1, a.PerToken }

// positive says what is wrong with a number that must be above 0.
func positive(key string, v float64) error {
	if !(v > 0) || math.IsInf(v, 0) {
		return fmt.Errorf("%s is %v, want a number > 0", key, v)
	}
	return nil
}

// notNegative says what is wrong with a number that must be at least 0.
func notNegative(key string, v float64) error {
	if !(v >= 0) || math.IsInf(v, 0) {
		return fmt.Errorf("%s is %v, want a number >= 0", key, v)
	}
	return nil
}

// first is the first error there is.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
