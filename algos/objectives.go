package algos

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/algos/loss"
)

// objective is one choice of the option objective.
type objective struct {
	name    string
	options []string // keys that it reads; the others must stay as the kind has them
	source  string   // the source's values of those, for whoever overrides
	couples loss.Coupling
	whole   bool // one ratio an answer, so one advantage an answer
	build   func(a *OnPolicy) loss.Objective
}

var clipKeys = []string{"clip_low", "clip_high"}

// objectives are the policy's terms, in the order of the documentation.
var objectives = []objective{
	{"clip", clipKeys, "0.2 and 0.2", loss.ByToken, false,
		func(a *OnPolicy) loss.Objective { return loss.Clip(a.ClipLow, a.ClipHigh) }},
	{"two_sided", append(clipKeys, "limit"), "0.2, 0.2 and 4", loss.ByToken, false,
		func(a *OnPolicy) loss.Objective { return loss.TwoSided(a.ClipLow, a.ClipHigh, a.Limit) }},
	{"dual_clip", append(clipKeys, "limit"), "0.2, 0.2 and 3", loss.ByToken, false,
		func(a *OnPolicy) loss.Objective { return loss.DualClip(a.ClipLow, a.ClipHigh, a.Limit) }},
	{"reinforce", nil, "", loss.ByToken, false,
		func(*OnPolicy) loss.Objective { return loss.Reinforce() }},
	{"gspo", clipKeys, "3e-4 and 4e-4", loss.BySequence, true,
		func(a *OnPolicy) loss.Objective { return loss.GSPO(a.ClipLow, a.ClipHigh) }},
	{"gspo_token", clipKeys, "3e-4 and 4e-4", loss.BySequence, false,
		func(a *OnPolicy) loss.Objective { return loss.GSPOToken(a.ClipLow, a.ClipHigh) }},
	{"sequence_clip", clipKeys, "0.2 and 0.2", loss.BySequence, true,
		func(a *OnPolicy) loss.Objective { return loss.SequenceClip(a.ClipLow, a.ClipHigh) }},
	{"cispo", []string{"limit"}, "5", loss.ByToken, false,
		func(a *OnPolicy) loss.Objective { return loss.CISPO(0, a.Limit) }},
	{"sapo", []string{"tau_pos", "tau_neg"}, "1 and 1.05", loss.ByToken, false,
		func(a *OnPolicy) loss.Objective { return loss.SAPO(a.TauPos, a.TauNeg) }},
	{"vespo", []string{"k_pos", "lambda_pos", "k_neg", "lambda_neg"}, "2, 3, 3 and 2", loss.BySequence, false,
		func(a *OnPolicy) loss.Objective { return loss.VESPO(a.KPos, a.LambdaPos, a.KNeg, a.LambdaNeg) }},
	{"gmpo", clipKeys, "0.4 and 0.4", loss.BySequence, true,
		func(a *OnPolicy) loss.Objective { return loss.GMPO(a.ClipLow, a.ClipHigh) }},
	{"dppo_tv", append(clipKeys, "limit"), "0.2, 0.2 and 20", loss.ByToken, false,
		func(a *OnPolicy) loss.Objective { return loss.DPPOTV(a.ClipLow, a.ClipHigh, a.Limit) }},
	{"dro", []string{"pull"}, "0.1", loss.ByToken, false,
		func(a *OnPolicy) loss.Objective { return loss.DRO(a.Pull) }},
}

// objectiveOption is one number that some objectives read.
type objectiveOption struct {
	key  string
	of   func(a *OnPolicy) float64
	low  float64 // exclusive
	high float64 // exclusive
}

var objectiveOptions = []objectiveOption{
	{"clip_low", func(a *OnPolicy) float64 { return a.ClipLow }, 0, 1},
	{"clip_high", func(a *OnPolicy) float64 { return a.ClipHigh }, 0, math.Inf(1)},
	{"limit", func(a *OnPolicy) float64 { return a.Limit }, 0, math.Inf(1)},
	{"tau_pos", func(a *OnPolicy) float64 { return a.TauPos }, 0, math.Inf(1)},
	{"tau_neg", func(a *OnPolicy) float64 { return a.TauNeg }, 0, math.Inf(1)},
	{"k_pos", func(a *OnPolicy) float64 { return a.KPos }, 0, math.Inf(1)},
	{"lambda_pos", func(a *OnPolicy) float64 { return a.LambdaPos }, 0, math.Inf(1)},
	{"k_neg", func(a *OnPolicy) float64 { return a.KNeg }, 0, math.Inf(1)},
	{"lambda_neg", func(a *OnPolicy) float64 { return a.LambdaNeg }, 0, math.Inf(1)},
	{"pull", func(a *OnPolicy) float64 { return a.Pull }, 0, math.Inf(1)},
}

func (o objectiveOption) want() string {
	if math.IsInf(o.high, 1) {
		return fmt.Sprintf("a number > %v", o.low)
	}
	return fmt.Sprintf("a number in (%v, %v)", o.low, o.high)
}

// objective is the one that is named; the error lists them.
func (a *OnPolicy) objective() (objective, error) {
	var names []string
	for _, o := range objectives {
		if o.name == a.Term {
			return o, nil
		}
		names = append(names, o.name)
	}
	return objective{}, fmt.Errorf("objective is %q, want one of %s", a.Term, strings.Join(names, ", "))
}

// check says whether the options fit the objective: those that it reads are in range, and no other is set, because it
// would be ignored.
func (o objective) check(a *OnPolicy) error {
	for _, option := range objectiveOptions {
		v := option.of(a)
		if slices.Contains(o.options, option.key) {
			if !(v > option.low && v < option.high) {
				hint := ""
				if v == 0 {
					hint = fmt.Sprintf(" for objective %s (its source has %s for %s)", o.name, o.source, strings.Join(o.options, ", "))
				}
				return fmt.Errorf("%s is %v, want %s%s", option.key, v, option.want(), hint)
			}
		} else if v != 0 && (a.Defaults == nil || v != option.of(a.Defaults)) {
			return fmt.Errorf("%s is %v, want it unset: objective %s does not read it", option.key, v, o.name)
		}
	}
	switch {
	case o.name == "two_sided" && a.Limit <= 1+a.ClipHigh:
		return fmt.Errorf("limit is %v, want more than 1+clip_high, which bounds the ratio already", a.Limit)
	case o.name == "dual_clip" && a.Limit <= 1:
		return fmt.Errorf("limit is %v, want a number > 1", a.Limit)
	}
	return nil
}
