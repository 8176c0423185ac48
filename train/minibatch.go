package train

import (
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/internal/rng"
)

// A step is one rollout and all that is learned from it: Epochs passes, each in mini-batches of whole prompt groups, each of
// which is one update of the weights. Advantages are those of the whole rollout; token weights and multipliers are each
// mini-batch's own. The old policy stays the one that spoke. All updates of a step have one learning rate.

// UpdatesPerStep counts the updates of a step.
func (c *Config) UpdatesPerStep() int { return max(c.Epochs, 1) * c.miniBatches() }

// miniBatches counts those of an epoch.
func (c *Config) miniBatches() int {
	if c.BatchPrompts == 0 {
		return 1
	}
	return c.Prompts / c.BatchPrompts
}

func (c *Config) validateUpdates() error {
	switch {
	case c.Epochs < 0:
		return fmt.Errorf("train: %d epochs over a rollout, want at least 1", c.Epochs)
	case c.BatchPrompts < 0 || c.BatchPrompts > 0 && c.Prompts%c.BatchPrompts != 0:
		return fmt.Errorf("train: mini-batches of %d prompts, want a divisor of the %d prompts of a rollout", c.BatchPrompts, c.Prompts)
	}
	if n := c.Algo.Needs(); c.UpdatesPerStep() > 1 && (n.Demonstrations || n.Labelled()) {
		return fmt.Errorf("train: %d updates a step, want 1: this algorithm doesn't learn from rewards of rollouts", c.UpdatesPerStep())
	}
	return nil
}

// miniBatch is the part of the step's batch that its n-th update learns from. The only one is the batch itself.
func (t *Trainer) miniBatch(b *batch, n int) *batch {
	if t.UpdatesPerStep() == 1 {
		return b
	}
	m := *b
	m.update, m.rows, m.ref, m.learned = n, nil, nil, learned{}
	m.members = t.members(len(b.groups), b.step, n)
	token := 0
	for _, r := range b.rows {
		if slices.Contains(m.members, r.group) {
			m.rows = append(m.rows, r)
			if b.ref != nil {
				m.ref = append(m.ref, b.ref[token:token+r.trained]...)
			}
		}
		token += r.trained
	}
	return &m
}

// members are the groups of an update's mini-batch, in order: each epoch deals all of them out anew.
func (t *Trainer) members(groups, step, update int) []int {
	parts := t.miniBatches()
	epoch, part := update/parts, update%parts
	order := rng.Shuffle(t.Seed, rng.MiniBatches, uint32((step-1)*max(t.Epochs, 1)+epoch), groups)
	members := order[part*groups/parts : (part+1)*groups/parts]
	slices.Sort(members)
	return members
}

// measured is how many groups an update learns from, those without a scored sample included.
func (b *batch) measured() int {
	if b.members == nil {
		return len(b.groups)
	}
	return len(b.members)
}

// learned is what is known of one update, and of a step: sums of decoder rows, groups and times, means over updates of the
// rest.
type learned struct {
	computed          int     // decoder rows of the training forward pass
	skipped           int     // groups without a backward pass
	gap               float64 // of log-probs between rollout and training, before the first update
	loss, entropy, kl float64 // sums over micro-batches
	logRatio          float64 // to the reference, of all tokens: the implicit reward at β = 1
	gradNorm, gradL1  float64
	moved             bool // the weights
	off               offPolicy
}

// add takes one of several updates into the step's sums.
func (t *Trainer) add(b, m *batch) {
	if m == b {
		return
	}
	n := float64(t.UpdatesPerStep())
	b.rate, b.factors, b.grads, b.seconds = m.rate, m.factors, m.grads, m.seconds
	b.computed += m.computed
	b.skipped += m.skipped
	b.moved = b.moved || m.moved
	b.gap = max(b.gap, m.gap)
	b.loss += m.loss / n
	b.gradNorm += m.gradNorm / n
	b.gradL1 += m.gradL1 / n
	epochs := float64(max(t.Epochs, 1))
	b.entropy += m.entropy / epochs // each epoch sees all tokens
	b.kl += m.kl / epochs
	b.logRatio += m.logRatio / epochs
	b.off.add(m.off)
}
