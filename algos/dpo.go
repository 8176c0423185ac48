package algos

import (
	"fmt"
	"strings"

	"github.com/burnish-rl/burnish/algos/loss"
)

var dpo = Info{
	Name:   "dpo",
	Doc:    "direct preference optimisation on pairs of answers, and its family by the name of the loss",
	Source: "Rafailov et al. 2023, arXiv:2305.18290; each loss names its own",
	New:    func() Options { return &DPO{Loss: "sigmoid", Beta: 0.1, FDivergence: "reverse_kl", TailWeight: 1} },
}

var ipo = Info{
	Name:   "ipo",
	Doc:    "dpo whose margin is pulled to 1/(2·beta); log-ratios are means over tokens, as in TRL, or with loss ipo_sum sums, as in the paper",
	Source: "Azar et al. 2023, arXiv:2310.12036",
	New:    func() Options { return &DPO{Loss: "ipo", Beta: 0.1, FDivergence: "reverse_kl", TailWeight: 1} },
}

// DPO is the family on pairs with a reference: a loss of both answers' log-ratios d, and what is done to them.
type DPO struct {
	Labelled
	Loss           string  `yaml:"loss"`                      // sigmoid, cdpo, robust, hinge, ipo, ipo_sum, sigmoid_norm, exo, nca, bco, sppo, aot, aot_unpaired, apo_zero, apo_down, discopop, dpop
	Beta           float64 `yaml:"beta"`                      // scale of log-ratios; > 0: 0.1, and 1 to 10 for sigmoid_norm
	LabelSmoothing float64 `yaml:"label_smoothing,omitempty"` // cdpo, robust (0.1), exo (1e-3, not 0): share of wrong labels; in [0, 0.5)
	Lambda         float64 `yaml:"lambda,omitempty"`          // dpop: cost on chosen answers that lose likelihood; > 0, 5 to 50
	Tau            float64 `yaml:"tau,omitempty"`             // discopop: width of its gate; > 0, 0.05
	FDivergence    string  `yaml:"f_divergence"`              // reverse_kl (plain DPO), forward_kl, js, or alpha: what the log-ratio is replaced by
	Alpha          float64 `yaml:"alpha,omitempty"`           // f_divergence alpha: its α; > 0, not 1
	TailWeight     float64 `yaml:"tail_weight"`               // LD-DPO: weight of tokens beyond the shorter answer's length; in [0, 1], 1 is off
	LengthCost     float64 `yaml:"length_cost,omitempty"`     // R-DPO: added to the margin per token that the chosen answer is longer; >= 0, 0 is off
	NLLCoef        float64 `yaml:"nll_coef,omitempty"`        // RPO: weight of the chosen answers' likelihood; >= 0, 0 is off
	Weighted       bool    `yaml:"weighted,omitempty"`        // WPO: each pair weighs as likely as the policy would write it
}

// pairLosses are the choices of loss. A name that ends in a whole objective sorts the batch and takes no modifiers.
var pairLosses = []struct {
	name     string
	option   string // the key that it reads besides beta
	perToken bool
	pair     func(a *DPO) loss.PairLoss
	batch    func(a *DPO) loss.Objective
}{
	{name: "sigmoid", pair: func(a *DPO) loss.PairLoss { return loss.Logistic(a.Beta) }},
	{name: "cdpo", option: "label_smoothing", pair: func(a *DPO) loss.PairLoss { return loss.Conservative(a.Beta, a.LabelSmoothing) }},
	{name: "robust", option: "label_smoothing", pair: func(a *DPO) loss.PairLoss { return loss.Robust(a.Beta, a.LabelSmoothing) }},
	{name: "hinge", pair: func(a *DPO) loss.PairLoss { return loss.Hinge(a.Beta) }},
	{name: "ipo", perToken: true, pair: func(a *DPO) loss.PairLoss { return loss.IPO(a.Beta) }},
	{name: "ipo_sum", pair: func(a *DPO) loss.PairLoss { return loss.IPO(a.Beta) }},
	{name: "sigmoid_norm", perToken: true, pair: func(a *DPO) loss.PairLoss { return loss.Logistic(a.Beta) }},
	{name: "exo", option: "label_smoothing", pair: func(a *DPO) loss.PairLoss { return loss.EXO(a.Beta, a.LabelSmoothing) }},
	{name: "nca", pair: func(a *DPO) loss.PairLoss { return loss.NCA(a.Beta) }},
	{name: "bco", pair: func(a *DPO) loss.PairLoss { return loss.BCO(a.Beta) }},
	{name: "sppo", pair: func(a *DPO) loss.PairLoss { return loss.SPPO(a.Beta) }},
	{name: "aot", batch: func(a *DPO) loss.Objective { return loss.AOT(a.Beta) }},
	{name: "aot_unpaired", batch: func(a *DPO) loss.Objective { return loss.AOTUnpaired(a.Beta) }},
	{name: "apo_zero", pair: func(a *DPO) loss.PairLoss { return loss.APOZero(a.Beta) }},
	{name: "apo_down", pair: func(a *DPO) loss.PairLoss { return loss.APODown(a.Beta) }},
	{name: "discopop", option: "tau", pair: func(a *DPO) loss.PairLoss { return loss.DiscoPOP(a.Beta, a.Tau) }},
	{name: "dpop", option: "lambda", pair: func(a *DPO) loss.PairLoss { return loss.DPOP(a.Beta, a.Lambda) }},
}

// Validate checks the options.
func (a *DPO) Validate() error {
	var names []string
	for _, l := range pairLosses {
		if l.name == a.Loss {
			return first(positive("beta", a.Beta), a.checkOptions(l.option), a.checkModifiers(l.batch != nil))
		}
		names = append(names, l.name)
	}
	return fmt.Errorf("loss is %q, want one of %s", a.Loss, strings.Join(names, ", "))
}

// checkOptions wants the option that the loss reads, and no other.
func (a *DPO) checkOptions(reads string) error {
	for _, o := range []struct {
		key  string
		v    float64
		ok   bool
		want string
	}{
		{"label_smoothing", a.LabelSmoothing, a.LabelSmoothing >= 0 && a.LabelSmoothing < 0.5, "a number in [0, 0.5)"},
		{"lambda", a.Lambda, positive("", a.Lambda) == nil, "a number > 0, such as 5"},
		{"tau", a.Tau, positive("", a.Tau) == nil, "a number > 0, such as 0.05"},
	} {
		switch {
		case o.key == reads && !o.ok:
			return fmt.Errorf("%s is %v, want %s for loss %s", o.key, o.v, o.want, a.Loss)
		case o.key != reads && o.v != 0:
			return fmt.Errorf("%s is %v, want it unset: loss %s does not read it", o.key, o.v, a.Loss)
		}
	}
	if a.Loss == "exo" && a.LabelSmoothing == 0 {
		return fmt.Errorf("label_smoothing is 0, want a number in (0, 0.5) for loss exo, such as 1e-3: its logarithm is taken")
	}
	return nil
}

func (a *DPO) checkModifiers(batch bool) error {
	if _, err := a.divergence(); err != nil {
		return err
	}
	if (a.FDivergence == "alpha") != (a.Alpha != 0) || a.Alpha == 1 || !(a.Alpha >= 0) {
		return fmt.Errorf("alpha is %v, want a number > 0 other than 1 with f_divergence alpha, and 0 with any other", a.Alpha)
	}
	if !(a.TailWeight >= 0 && a.TailWeight <= 1) {
		return fmt.Errorf("tail_weight is %v, want a number in [0, 1]", a.TailWeight)
	}
	modified := a.FDivergence != "reverse_kl" || a.TailWeight != 1 || a.LengthCost != 0 || a.NLLCoef != 0 || a.Weighted
	if batch && modified {
		return fmt.Errorf("loss %s compares sorted answers of the batch, want f_divergence, tail_weight, length_cost, nll_coef and weighted left alone", a.Loss)
	}
	return first(notNegative("length_cost", a.LengthCost), notNegative("nll_coef", a.NLLCoef))
}

// divergence is what replaces a log-ratio, nil for nothing.
func (a *DPO) divergence() (func(x *loss.Expr, d *loss.Node) *loss.Node, error) {
	switch a.FDivergence {
	case "reverse_kl":
		return nil, nil
	case "forward_kl":
		return loss.ForwardKLRatio, nil
	case "js":
		return loss.JensenShannonRatio, nil
	case "alpha":
		return loss.AlphaRatio(a.Alpha), nil
	}
	return nil, fmt.Errorf("f_divergence is %q, want reverse_kl, forward_kl, js or alpha", a.FDivergence)
}

// Needs asks for pairs and the reference.
func (a *DPO) Needs() Needs {
	n := Needs{Pairs: true, Reference: true, SumP2: a.Weighted, Coupled: loss.ByPair}
	for _, l := range pairLosses {
		if l.name == a.Loss && l.batch != nil {
			n.Coupled = loss.ByBatch
		}
	}
	return n
}

// Objective is [loss.DPO] with the loss that is named, or one of the batch; call Validate first.
func (a *DPO) Objective() loss.Objective {
	for _, l := range pairLosses {
		switch {
		case l.name != a.Loss:
			continue
		case l.batch != nil:
			return l.batch(a)
		}
		f, err := a.divergence()
		if err != nil {
			return nil
		}
		o := loss.DPO{Loss: l.pair(a), Divergence: f, PerToken: l.perToken,
			LengthCost: a.LengthCost / a.Beta, Likelihood: a.NLLCoef, Weighted: a.Weighted}
		if a.TailWeight != 1 {
			o.TailWeight = &a.TailWeight
		}
		return o.Objective()
	}
	return nil
}
