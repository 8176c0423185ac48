package algos

import (
	"fmt"

	"github.com/burnish-rl/burnish/algos/loss"
)

var simpo = Info{
	Name:   "simpo",
	Doc:    "pairs without a reference: the reward is an answer's mean log-prob, with a margin",
	Source: "Meng et al. 2024, arXiv:2405.14734",
	New:    func() Options { return &SimPO{Beta: 2, Gamma: 1} },
}

var alphaPO = Info{
	Name:   "alphapo",
	Doc:    "simpo with a bent reward",
	Source: "Gupta et al. 2025, arXiv:2501.03884",
	New:    func() Options { return &SimPO{Beta: 2, Gamma: 1, Alpha: 0.25} },
}

// SimPO is [loss.SimPO], or with alpha [loss.AlphaPO].
type SimPO struct {
	Labelled
	Beta  float64 `yaml:"beta"`            // scale of mean log-probs; > 0: 2 to 10
	Gamma float64 `yaml:"gamma"`           // margin; >= 0, 0.3 to 0.5 of beta
	Alpha float64 `yaml:"alpha,omitempty"` // bend of the reward (1 - e^(-alpha·L))/alpha; 0 is the mean log-prob L itself
}

// Validate checks the options.
func (a *SimPO) Validate() error {
	if a.Alpha != a.Alpha || a.Alpha > 100 || a.Alpha < -100 {
		return fmt.Errorf("alpha is %v, want a number in [-100, 100]", a.Alpha)
	}
	return first(positive("beta", a.Beta), notNegative("gamma", a.Gamma))
}

// Needs asks for pairs.
func (a *SimPO) Needs() Needs { return Needs{Pairs: true, Coupled: loss.ByPair} }

// Objective is [loss.SimPO] or [loss.AlphaPO].
func (a *SimPO) Objective() loss.Objective {
	if a.Alpha == 0 {
		return loss.SimPO(a.Beta, a.Gamma)
	}
	return loss.AlphaPO(a.Beta, a.Gamma, a.Alpha)
}

var cpo = Info{
	Name:   "cpo",
	Doc:    "pairs without a reference, with the chosen answers' likelihood beside the pair's loss",
	Source: "Xu et al. 2024, arXiv:2401.08417",
	New:    func() Options { return &CPO{Loss: "sigmoid", Beta: 0.1, NLLCoef: 1} },
}

// CPO is [loss.CPO].
type CPO struct {
	Labelled
	Loss           string  `yaml:"loss"`                      // sigmoid, hinge, or ipo on mean log-probs
	Beta           float64 `yaml:"beta"`                      // scale of log-probs; > 0
	LabelSmoothing float64 `yaml:"label_smoothing,omitempty"` // sigmoid: share of wrong labels; in [0, 0.5)
	NLLCoef        float64 `yaml:"nll_coef"`                  // weight of the chosen answers' likelihood; >= 0
}

// Validate checks the options.
func (a *CPO) Validate() error {
	switch {
	case a.Loss != "sigmoid" && a.Loss != "hinge" && a.Loss != "ipo":
		return fmt.Errorf("loss is %q, want sigmoid, hinge or ipo", a.Loss)
	case !(a.LabelSmoothing >= 0 && a.LabelSmoothing < 0.5):
		return fmt.Errorf("label_smoothing is %v, want a number in [0, 0.5)", a.LabelSmoothing)
	case a.LabelSmoothing > 0 && a.Loss != "sigmoid":
		return fmt.Errorf("label_smoothing is %v, want it unset: loss %s does not read it", a.LabelSmoothing, a.Loss)
	}
	return first(positive("beta", a.Beta), notNegative("nll_coef", a.NLLCoef))
}

// Needs asks for pairs.
func (a *CPO) Needs() Needs { return Needs{Pairs: true, Coupled: loss.ByPair} }

// Objective is [loss.CPO].
func (a *CPO) Objective() loss.Objective {
	switch {
	case a.Loss == "hinge":
		return loss.CPO(loss.Hinge(a.Beta), false, a.NLLCoef)
	case a.Loss == "ipo":
		return loss.CPO(loss.IPO(a.Beta), true, a.NLLCoef)
	case a.LabelSmoothing > 0:
		return loss.CPO(loss.Conservative(a.Beta, a.LabelSmoothing), false, a.NLLCoef)
	}
	return loss.CPO(loss.Logistic(a.Beta), false, a.NLLCoef)
}

var orpo = Info{
	Name:   "orpo",
	Doc:    "likelihood of the chosen answers with a penalty on the odds of the rejected ones; no reference",
	Source: "Hong et al. 2024, arXiv:2403.07691",
	New:    func() Options { return &ORPO{Lambda: 0.1} },
}

// ORPO is [loss.ORPO].
type ORPO struct {
	Labelled
	Lambda float64 `yaml:"lambda"` // weight of the odds; > 0
}

// Validate checks the options.
func (a *ORPO) Validate() error { return positive("lambda", a.Lambda) }

// Needs asks for pairs.
func (a *ORPO) Needs() Needs { return Needs{Pairs: true, Coupled: loss.ByPair} }

// Objective is [loss.ORPO].
func (a *ORPO) Objective() loss.Objective { return loss.ORPO(a.Lambda) }

var sami = Info{
	Name:   "sami",
	Doc:    "mutual information between principles and the answers written under them; no labels, no reference",
	Source: "Fränken et al. 2024, arXiv:2404.14313",
	New:    func() Options { return &SAMI{PerToken: true} },
}

// SAMI is [loss.SAMI].
type SAMI struct {
	Labelled
	PerToken bool `yaml:"per_token"` // compare mean log-probs, as the authors' code does, and not their sums
}

// Validate checks the options.
func (a *SAMI) Validate() error { return nil }

// Needs asks for every answer under every principle.
func (a *SAMI) Needs() Needs { return Needs{Principles: true, Coupled: loss.ByGroup} }

// Objective is [loss.SAMI].
func (a *SAMI) Objective() loss.Objective { return loss.SAMI(a.PerToken) }
