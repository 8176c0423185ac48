// Package schedule holds the learning-rate schedules: pure functions of a counter, so that a resumed run needs no
// state of theirs. Choose one with [Lookup].
package schedule

import (
	"fmt"
	"math"
)

// Schedule gives the factor on the peak rate for one update.
type Schedule interface {
	// Rate is in [0, 1]. step counts updates from 0 and is below steps, the run's total: the update that turns
	// state s into s+1 uses Rate(s).
	Rate(step, steps int) float64
}

// Options are a schedule's options. A field has a yaml key and a comment with unit and range.
type Options interface {
	Schedule
	Validate() error
}

// WarmupSteps is the number W of updates that a warm-up share takes: ceil(warmup·steps), where a product that is an
// integer but for its rounding counts as that integer (0.07·100 is 7, not 8).
//
// During warm-up the factor is s/W, as in transformers: the first update has rate 0 and update W the whole rate.
func WarmupSteps(warmup float64, steps int) int {
	const rounding = 1e-9
	return int(math.Ceil(warmup*float64(steps) - rounding))
}

// unit checks an option that is a share.
func unit(name string, v float64, includeOne bool) error {
	if v >= 0 && (v < 1 || includeOne && v == 1) {
		return nil
	}
	end := ")"
	if includeOne {
		end = "]"
	}
	return fmt.Errorf("%s is %v, want a share in [0, 1%s", name, v, end)
}
