// Package schedule holds the learning-rate rules, one a file: each gives the factor on the base rate for the update about
// to run, as a function of what a run has [Seen]. Choose one with [Lookup], check its options with Validate, and Open it.
package schedule

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Seen is what a rule may look at before an update. Most look at Step and Steps alone; [Info].Observes says what else.
type Seen struct {
	Step, Steps int     // steps before this one, and of the whole run: 0 <= Step < Steps
	Tokens      int64   // trained by the updates before this one
	GradNorm    float64 // global L2 norm of the gradient in hand, before clipping
	GradL1      float64 // its L1 norm
	Cosine      float64 // between the last two updates that moved the weights; NaN while there are none. See [Needs]
}

// Schedule is a rule in use.
type Schedule interface {
	// Rate is the factor on the base rate for one update, finite and >= 0. The update that turns state s into s+1 asks
	// with Step s. It is asked once an update, in order. A rule that remembers anything also implements
	// encoding.BinaryMarshaler and BinaryUnmarshaler; its memory is part of a checkpoint.
	Rate(s Seen) float64
}

// Options are a rule's settings. A field has a yaml key and a comment with unit and range; a share is one of all steps.
type Options interface {
	Validate() error
	// Open gives the rule, as it stands before the first update. A rule without memory is its own options.
	Open() (Schedule, error)
}

// Needs is what a rule asks the loop to measure for it.
type Needs struct {
	Cosine bool // Seen.Cosine, which costs a reading of all trained weights an update
}

// Needing is implemented by rules that need anything.
type Needing interface{ Needs() Needs }

// Restarter is implemented by rules that begin anew within a run. Before an update for which Restarts is true the
// optimizer forgets what it remembers.
type Restarter interface{ Restarts(step, steps int) bool }

// WarmupSteps is the number W of updates that a warm-up share takes: ceil(warmup·steps), where a product that is an
// integer but for its rounding counts as that integer (0.07·100 is 7, not 8). Other phases are counted in the same way.
//
// During warm-up the factor is s/W, as in transformers: the first update has rate 0 and update W the whole rate.
func WarmupSteps(warmup float64, steps int) int {
	const rounding = 1e-9
	return int(math.Ceil(warmup*float64(steps) - rounding))
}

// decayStart is the step S at which a last phase of a share of the steps begins, not before the phase that ends at least.
func decayStart(share float64, steps, least int) int {
	return max(steps-WarmupSteps(share, steps), least)
}

// part is how much of a phase [from, to) is over at a step, in [0, 1]; a phase of no steps is over.
func part(step, from, to int) float64 {
	if to <= from {
		return 1
	}
	return min(max(float64(step-from)/float64(to-from), 0), 1)
}

// Shapes of a fall from 1 at r = 0; r is in [0, 1].
const (
	shapeCosine      = "cosine"      // (1 + cos πr)/2
	shapeLinear      = "linear"      // 1 - r
	shapeExponential = "exponential" // 0.5^(r/half-life), which does not arrive at 0
	shapeRoot        = "1-sqrt"      // 1 - √r
)

// fall goes from 1 towards floor. halfLife is a share of the phase, for the exponential shape alone.
func fall(shape string, r, floor, halfLife float64) float64 {
	f := 1 - r
	switch shape {
	case shapeCosine:
		f = (1 + math.Cos(math.Pi*r)) / 2
	case shapeExponential:
		f = math.Exp2(-r / halfLife)
	case shapeRoot:
		f = 1 - math.Sqrt(r)
	}
	return floor + (1-floor)*f
}

// warmThenFall rises for w steps and falls over the rest.
func warmThenFall(step, steps, w int, shape string, floor float64) float64 {
	if step < w {
		return float64(step) / float64(w)
	}
	return fall(shape, part(step, w, max(steps, w+1)), floor, 1)
}

// oneOf checks an option that is a word.
func oneOf(name, v string, words ...string) error {
	if slices.Contains(words, v) {
		return nil
	}
	return fmt.Errorf("%s is %q, want one of %s", name, v, strings.Join(words, ", "))
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

// share is an option's name and value.
type share struct {
	name  string
	value float64
}

// phases checks shares of the run that follow one another: together they are no more than the run.
func phases(shares ...share) error {
	sum := 0.0
	var names []string
	for i, s := range shares {
		if err := unit(s.name, s.value, i > 0); err != nil { // a run that is all warm-up never has its whole rate
			return err
		}
		sum += s.value
		names = append(names, s.name)
	}
	const rounding = 1e-9
	if sum > 1+rounding {
		return fmt.Errorf("%s are %v together, want at most 1", strings.Join(names, ", "), sum)
	}
	return nil
}
