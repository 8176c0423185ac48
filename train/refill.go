package train

import (
	"cmp"
	"slices"

	"github.com/burnish-rl/burnish/train/rollout"
)

// refill is DAPO's dynamic sampling (Yu et al. 2025, arXiv:2503.14476, §3.2): how many further prompts the step draws in
// place of those that were dropped, because their samples are all scored alike or fewer than two have a score. After the
// algorithm's last round it is none, and the step learns from what there is; without any informative prompt it learns
// nothing. The prompts that are missing then are counted.
func (t *Trainer) refill(b *batch) int {
	if b.rounds >= t.Algo.Needs().Rounds {
		return 0
	}
	return t.Prompts - len(b.groups)
}

// place gives prompts their slots in the step, behind those of its earlier rounds, so that a prompt that comes again is
// answered anew.
func (b *batch) place(prompts []rollout.Prompt) {
	before := len(b.groups) + len(b.dropped)
	for i := range prompts {
		prompts[i].Slot += before
	}
}

// sampled are all groups of the step, dropped ones too, in the order of their slots.
func (b *batch) sampled() []rollout.Group {
	if len(b.dropped) == 0 {
		return b.groups
	}
	all := slices.Concat(b.groups, b.dropped)
	slices.SortFunc(all, func(x, y rollout.Group) int { return cmp.Compare(x.Slot, y.Slot) })
	return all
}

// refillMetrics says what dynamic sampling took.
func (t *Trainer) refillMetrics(m *Metrics, b *batch) {
	if t.Algo.Needs().Rounds == 0 {
		return
	}
	m.add("rounds", float64(b.rounds))
	m.add("dropped_groups", float64(len(b.dropped)))
	m.add("missing_groups", float64(t.Prompts-len(b.groups)))
}
