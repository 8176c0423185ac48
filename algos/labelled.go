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
