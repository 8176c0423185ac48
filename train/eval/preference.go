package eval

// Preference is the kind of held-out pairs: how a policy tells the better answer from the worse.
const Preference Kind = "preference"

// UnitReward is of implicit rewards: nats times an algorithm's scale.
const UnitReward = "reward"

// Pair is what a policy stands for on two answers to a task.
type Pair struct {
	Chosen, Rejected float64 // implicit rewards
}

// Preferences reports pref_accuracy, the share of pairs whose chosen answer has the larger reward (equal is not larger),
// with a [Wilson] interval; and the means pref_margin, pref_chosen and pref_rejected, each with a [MeanInterval].
func Preferences(pairs []Pair) Report {
	hits := 0
	margins, chosen, rejected := make([]float64, len(pairs)), make([]float64, len(pairs)), make([]float64, len(pairs))
	for i, p := range pairs {
		if p.Chosen > p.Rejected {
			hits++
		}
		margins[i], chosen[i], rejected[i] = p.Chosen-p.Rejected, p.Chosen, p.Rejected
	}
	r := Report{Kind: Preference, Items: len(pairs), Metrics: []Metric{shareMetric(preferenceAccuracy, hits, len(pairs))}}
	for _, m := range []Metric{meanMetric("pref_margin", margins), meanMetric("pref_chosen", chosen), meanMetric("pref_rejected", rejected)} {
		m.Unit = UnitReward
		r.Metrics = append(r.Metrics, m)
	}
	return r
}

const preferenceAccuracy = "pref_accuracy"
