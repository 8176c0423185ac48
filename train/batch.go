package train

import (
	"fmt"
	"math"
	"time"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/algos/loss"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/train/rollout"
)

// row is one sequence to be trained: the tokens after its group's prompt.
type row struct {
	group, sample int
	tokens        []int32
	train         []bool    // nil: all of tokens
	old           []float32 // log-probs of the rollout; nil for demonstrations
	advantage     float64
	trained       int     // how many tokens are trained
	recorded      []int32 // rows in the step's recording
}

// batch is everything one step works on. Token vectors run over the trained tokens of rows, in order.
type batch struct {
	step    int
	groups  []rollout.Group
	prompts [][]int32   // of each group, as they are packed
	rewards [][]float64 // [groups][samples], NaN is missing
	advs    [][]float64
	rows    []row // samples whose score is missing have none
	missing int
	weights []float64              // [N]
	ref     []float64              // [N], nil without a reference
	norms   map[string][][]float64 // [groups][samples] by kind; see rowNorms
	scores  map[int]*policy.Scores // by a micro-batch's first row; see learnScored
	grads   *algos.GradNorms       // of the groups' gradients, nil unless measured

	generated, computed int // decoder rows of the rollout, of the training forward pass
	gap                 float64
	skipped             int     // groups without a backward pass
	loss, entropy, kl   float64 // sums over micro-batches
	ratio               float64 // log-ratio to the reference, of all tokens: the implicit reward at β = 1
	gradNorm, gradL1    float64
	rate                float64
	factors             []factor // of rate
	seconds             []timing
	began               time.Time
}

type timing struct {
	phase   string
	seconds float64
}

func (t *Trainer) newBatch(step int) *batch { return &batch{step: step, began: time.Now()} }

// time measures a phase until the returned function runs.
func (b *batch) time(phase string) func() {
	start := time.Now()
	return func() { b.seconds = append(b.seconds, timing{phase, time.Since(start).Seconds()}) }
}

// demonstrate makes a row of each task's worked answer. With promptTokens the prompt is trained too, but for its
// first token, which nothing predicts.
func (b *batch) demonstrate(m *policy.Model, prompts []rollout.Prompt, promptTokens bool) error {
	for i, p := range prompts {
		target, err := rollout.Demonstration(m, p.Task)
		if err != nil {
			return err
		}
		if n := len(p.IDs) + len(target); n > m.Context() {
			return fmt.Errorf("task %s: prompt and demonstration have %d tokens, the model's context is %d", p.Task.ID, n, m.Context())
		}
		prompt, tokens := p.IDs, target
		if promptTokens {
			prompt, tokens = p.IDs[:1], append(append([]int32{}, p.IDs[1:]...), target...)
		}
		b.groups = append(b.groups, rollout.Group{Prompt: p})
		b.prompts = append(b.prompts, prompt)
		b.rows = append(b.rows, row{group: i, tokens: tokens, trained: len(tokens)})
		b.rewards = append(b.rewards, nil)
	}
	return nil
}

// take makes a row of every rolled-out sample.
func (b *batch) take(groups []rollout.Group) {
	b.groups = groups
	for i, g := range groups {
		b.prompts = append(b.prompts, g.IDs)
		for k, s := range g.Samples {
			b.rows = append(b.rows, row{group: i, sample: k, tokens: s.Tokens, old: s.LogProbs, trained: len(s.Tokens), recorded: s.Recorded})
		}
	}
}

// readScores takes the results over and drops the rows whose score is missing.
func (b *batch) readScores() {
	b.rewards = make([][]float64, len(b.groups))
	for i, g := range b.groups {
		for _, s := range g.Samples {
			score := s.Result.Score
			if s.Result.Missing != "" {
				score = math.NaN()
				b.missing++
			}
			b.rewards[i] = append(b.rewards[i], score)
		}
	}
	kept := b.rows[:0]
	for _, r := range b.rows {
		if !math.IsNaN(b.rewards[r.group][r.sample]) {
			kept = append(kept, r)
		}
	}
	b.rows = kept
}

// scored is the batch as the estimators see it. With kl the groups know how far each token is from the reference.
func (b *batch) scored(maxTokens int, kl bool) []algos.Group {
	groups := make([]algos.Group, len(b.groups))
	for i, g := range b.groups {
		groups[i] = algos.Group{Rewards: b.rewards[i], MaxTokens: maxTokens}
		groups[i].Norms = map[string][]float64{}
		for kind, norms := range b.norms { // each to its own name, so the order doesn't matter
			groups[i].Norms[kind] = norms[i]
		}
		for _, s := range g.Samples {
			groups[i].Lengths = append(groups[i].Lengths, len(s.Tokens))
		}
	}
	if kl {
		b.takeK1(groups)
	}
	return groups
}

// takeK1 fills in old - ref of every token; a sample without a row, whose reward is missing, has none.
func (b *batch) takeK1(groups []algos.Group) {
	for i := range groups {
		groups[i].K1 = make([][]float64, len(groups[i].Rewards))
	}
	token := 0
	for _, r := range b.rows {
		k1 := make([]float64, r.trained)
		for t := range k1 {
			k1[t] = float64(r.old[t]) - b.ref[token+t]
		}
		groups[r.group].K1[r.sample] = k1
		token += r.trained
	}
}

func (b *batch) setAdvantages(adv [][]float64) error {
	b.advs = adv
	for i := range b.rows {
		r := &b.rows[i]
		r.advantage = adv[r.group][r.sample]
		if math.IsNaN(r.advantage) || math.IsInf(r.advantage, 0) {
			return fmt.Errorf("step %d: advantage of prompt %d, sample %d is %v, want a finite number", b.step, r.group, r.sample, r.advantage)
		}
	}
	return nil
}

func (b *batch) lengths() []int {
	l := make([]int, len(b.rows))
	for i, r := range b.rows {
		l[i] = r.trained
	}
	return l
}

func (b *batch) tokens() int {
	n := 0
	for _, r := range b.rows {
		n += r.trained
	}
	return n
}

func (b *batch) totals(maxTokens int) loss.Totals {
	return loss.Totals{Sequences: len(b.rows), Tokens: b.tokens(), MaxTokens: maxTokens}
}
