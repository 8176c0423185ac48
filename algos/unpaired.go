package algos

import (
	"fmt"

	"github.com/burnish-rl/burnish/algos/loss"
)

var kto = Info{
	Name:   "kto",
	Doc:    "labels of single answers, judged against a reference point",
	Source: "Ethayarajh et al. 2024, arXiv:2402.01306",
	New: func() Options {
		return &KTO{Beta: 0.1, DesirableWeight: 1, UndesirableWeight: 1, ReferencePoint: "mismatched"}
	},
}

// KTO is [loss.KTO], or [loss.KTOZero].
type KTO struct {
	Labelled
	Beta              float64 `yaml:"beta"`               // scale of log-ratios; > 0
	DesirableWeight   float64 `yaml:"desirable_weight"`   // > 0; keep the classes' numbers times their weights within 1 to 4/3
	UndesirableWeight float64 `yaml:"undesirable_weight"` // > 0
	ReferencePoint    string  `yaml:"reference_point"`    // mismatched: the mean log-ratio of answers under prompts that aren't theirs; zero: none, as in apo_zero_unpaired
}

// Validate checks the options.
func (a *KTO) Validate() error {
	if a.ReferencePoint != "mismatched" && a.ReferencePoint != "zero" {
		return fmt.Errorf("reference_point is %q, want mismatched or zero", a.ReferencePoint)
	}
	return first(positive("beta", a.Beta), positive("desirable_weight", a.DesirableWeight), positive("undesirable_weight", a.UndesirableWeight))
}

// Needs asks for labelled answers and the reference.
func (a *KTO) Needs() Needs {
	return Needs{Unpaired: true, Reference: true, Mismatched: a.ReferencePoint == "mismatched", Coupled: loss.BySequence}
}

// Objective is [loss.KTO] or [loss.KTOZero].
func (a *KTO) Objective() loss.Objective {
	if a.ReferencePoint == "zero" {
		return loss.KTOZero(a.Beta, a.DesirableWeight, a.UndesirableWeight)
	}
	return loss.KTO(a.Beta, a.DesirableWeight, a.UndesirableWeight)
}

var bco = Info{
	Name:   "bco",
	Doc:    "a binary classifier of labelled answers, moved to where both classes balance; both must be in every step",
	Source: "Jung et al. 2024, arXiv:2404.04656",
	New:    func() Options { return &BCO{Beta: 0.1} },
}

// BCO is [loss.BCOShifted].
type BCO struct {
	Labelled
	Beta float64 `yaml:"beta"` // scale of log-ratios; > 0
}

// Validate checks the options.
func (a *BCO) Validate() error { return positive("beta", a.Beta) }

// Needs asks for labelled answers of both classes and the reference.
func (a *BCO) Needs() Needs { return Needs{Unpaired: true, Reference: true, Coupled: loss.ByBatch} }

// Objective is [loss.BCOShifted].
func (a *BCO) Objective() loss.Objective { return loss.BCOShifted(a.Beta) }
