package train

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/algos/loss"
	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/train/rollout"
)

// side is what was said of a row.
type side int8

const (
	unlabelled side = iota
	chosen          // or desirable
	rejected        // or undesirable
)

// labelled is what a batch of labelled answers has besides rows. Rows of a pair follow one another, chosen first, under
// one prompt; rows of a grid are in blocks of C·C, answer j under principle i at i·C+j, and their C prompts are one unit.
type labelled struct {
	unit       []int     // [groups], what no cut may part; nil: each group is one
	grid       int       // C, 0 without principles
	mismatched []float64 // log-ratios of answers under other prompts, for the whole step
	chosen     int       // trained tokens of chosen answers
	without    int       // prompts of rollouts that gave no pair
	logp       []float64 // [rows], sums of the policy's log-probs before the step; NaN until they are known
}

// unit is what one task gives: rows under prompts that belong together.
type unit struct {
	prompts []rollout.Prompt
	rows    []row // group counts from 0
}

// unitOf makes the rows of a task's own labelled answers.
func (c *Config) unitOf(p rollout.Prompt) (u unit, err error) {
	u.prompts = []rollout.Prompt{p}
	need := c.Algo.Needs()
	switch pair := !p.Task.Pair.IsZero(); {
	case need.Principles:
		return c.gridOf(p)
	case need.Pairs || pair && p.Task.Label == envs.Unlabelled:
		return c.pairOf(p)
	default:
		if p.Task.Label == envs.Unlabelled {
			return u, fmt.Errorf("task %s has neither a label nor a pair of answers", p.Task.ID)
		}
		target, err := rollout.Demonstration(c.Model, p.Task)
		if err != nil {
			return u, err
		}
		s := chosen
		if p.Task.Label == envs.Undesirable {
			s = rejected
		}
		u.rows = []row{labelledRow(0, target, s)}
	}
	return u, nil
}

// gridOf puts every answer of a task under every principle.
func (c *Config) gridOf(p rollout.Prompt) (u unit, err error) {
	if u.prompts, err = rollout.Under(c.Model, p, c.Labels.Principles); err != nil {
		return u, err
	}
	answers, err := rollout.Answers(c.Model, p.Task, len(u.prompts))
	if err != nil {
		return u, err
	}
	for i := range u.prompts {
		for _, tokens := range answers {
			u.rows = append(u.rows, labelledRow(i, tokens, unlabelled))
		}
	}
	return u, nil
}

func labelledRow(group int, tokens []int32, s side) row {
	return row{group: group, tokens: tokens, trained: len(tokens), side: s}
}

// longest is the tokens of the unit's longest sequence.
func (u unit) longest() int {
	n := 0
	for _, r := range u.rows {
		n = max(n, len(u.prompts[r.group].IDs)+len(r.tokens))
	}
	return n
}

// label fills the batch with the tasks' own labelled answers.
func (t *Trainer) label(b *batch, prompts []rollout.Prompt) error {
	for _, p := range prompts {
		u, err := t.unitOf(p)
		if err != nil {
			return err
		}
		if n := u.longest(); n > t.Model.Context() {
			return fmt.Errorf("task %s: a prompt with its answer has %d tokens, the model's context is %d", p.Task.ID, n, t.Model.Context())
		}
		b.add(u)
	}
	b.countChosen()
	return nil
}

// add appends a unit.
func (b *batch) add(u unit) {
	if len(u.prompts) > 1 {
		b.labels.grid = len(u.prompts)
	}
	first := len(b.groups)
	for _, p := range u.prompts {
		b.groups = append(b.groups, rollout.Group{Prompt: p})
		b.prompts = append(b.prompts, p.IDs)
		b.rewards = append(b.rewards, nil)
		b.labels.unit = append(b.labels.unit, first)
	}
	for _, r := range u.rows {
		r.group += first
		b.rows = append(b.rows, r)
	}
}

func (b *batch) countChosen() {
	b.labels.chosen = 0
	for _, r := range b.rows {
		if r.side == chosen {
			b.labels.chosen += r.trained
		}
	}
}

// judge turns scored samples into labelled rows: of each prompt the best and the worst where they are far enough apart, or
// every sample by a threshold.
func (t *Trainer) judge(b *batch) {
	if t.Algo.Needs().Pairs {
		b.pairUp(t.Labels.Gap)
	} else {
		for i, r := range b.rows {
			b.rows[i].side = rejected
			if b.rewards[r.group][r.sample] >= t.Labels.Threshold {
				b.rows[i].side = chosen
			}
		}
	}
	b.countChosen()
}

// pairUp keeps the best and the worst row of each prompt, the first of equals.
func (b *batch) pairUp(gap float64) {
	var kept []row
	for i := range b.groups {
		best, worst := -1, -1
		for k, r := range b.rows {
			if r.group != i {
				continue
			}
			score := b.rewards[i][r.sample]
			if best < 0 || score > b.rewards[i][b.rows[best].sample] {
				best = k
			}
			if worst < 0 || score < b.rewards[i][b.rows[worst].sample] {
				worst = k
			}
		}
		if best < 0 || b.rewards[i][b.rows[best].sample]-b.rewards[i][b.rows[worst].sample] < gap {
			b.labels.without++
			continue
		}
		b.rows[best].side, b.rows[worst].side = chosen, rejected
		kept = append(kept, b.rows[best], b.rows[worst])
	}
	b.rows = kept
}

// cross makes the grid of a step whose answers were sampled under principles: group i of a unit holds answer i.
func (b *batch) cross(grid int) {
	b.labels.grid, b.labels.unit = grid, nil
	b.rewards = make([][]float64, len(b.groups))
	sampled := b.rows
	b.rows = nil
	for i := range b.groups {
		first := i / grid * grid
		b.labels.unit = append(b.labels.unit, first)
		for j := range grid {
			r := sampled[first+j]
			if first+j != i { // what was sampled under another principle has no log-probs here, and no rows
				r.old, r.recorded = nil, nil
			}
			r.group = i
			b.rows = append(b.rows, r)
		}
	}
}

// labelled adds what the loss of labelled answers is given.
func (m microBatch) labelled(in *loss.Inputs) {
	in.Grid, in.Mismatched, in.Chosen = m.labels.grid, m.labels.mismatched, m.labels.chosen
	rows := m.rows[m.from:m.to]
	if len(rows) == 0 || rows[0].side == unlabelled {
		return
	}
	for i, r := range rows {
		in.Desirable = append(in.Desirable, r.side == chosen)
		if i > 0 && r.side == rejected && rows[i-1].side == chosen && rows[i-1].group == r.group {
			in.Pairs = append(in.Pairs, [2]int{i - 1, i})
		}
	}
	if 2*len(in.Pairs) != len(rows) { // single answers
		in.Pairs = nil
	}
}

// observeRows keeps each row's log-prob as it was before the step.
func (m microBatch) observeRows(logp []float32) {
	if m.rows[m.from].side == unlabelled && m.labels.grid == 0 {
		return
	}
	for len(m.labels.logp) < len(m.rows) {
		m.labels.logp = append(m.labels.logp, math.NaN())
	}
	at := 0
	for i, r := range m.rows[m.from:m.to] {
		if sum := &m.labels.logp[m.from+i]; math.IsNaN(*sum) {
			*sum = 0
			for _, v := range logp[at : at+r.trained] {
				*sum += float64(v)
			}
		}
		at += r.trained
	}
}
