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
	sampled       []float32 // log-probs of the sampler, after top-k, top-p and min-p; nil where they are old's
	advantage     float64   // with byToken their mean
	byToken       []float64 // advantages of the trained tokens, where they differ
	side          side      // what was said of it, under algorithms of labelled answers
	trained       int       // how many tokens are trained
	recorded      []int32   // rows in the step's recording
}

// batch is everything one step works on. Token vectors run over the trained tokens of rows, in order.
type batch struct {
	step    int
	rounds  int             // of sampling
	fresh   []rollout.Group // of the round in hand
	groups  []rollout.Group // what is learned from
	dropped []rollout.Group // of prompts that teach nothing; see refill
	prompts [][]int32       // of each group, as they are packed
	rewards [][]float64     // [groups][samples], NaN is missing
	advs    [][]float64     // with byToken their means
	rows    []row           // samples whose score is missing have none
	missing int
	weights []float64              // [N]
	ref     []float64              // [N], nil without a reference
	norms   map[string][][]float64 // [groups][samples] by kind; see rowNorms
	scores  map[int]*policy.Scores // by a micro-batch's first row; see learnScored
	grads   *algos.GradNorms       // of the groups' gradients, nil unless measured
	labels  labelled

	update int          // which update from the rollout it is, from 0; then the policy is no more the one that spoke
	now    *numbers     // of the policy before the update, nil unless looked for ahead
	factor []float64    // [N], multipliers of the policy's term, nil for none
	joint  *loss.Output // of a loss that compares all answers, when they are learned from in pieces

	members []int // of a mini-batch: its groups; nil: all
	learned

	generated int // decoder rows of the rollout
	rate      float64
	factors   []factor // of rate
	seconds   []timing
	began     time.Time
}

type timing struct {
	phase   string
	seconds float64
}

func (t *Trainer) newBatch(step int) *batch { return &batch{step: step, began: time.Now()} }

// time measures a phase until the returned function runs. A phase that comes again goes on.
func (b *batch) time(phase string) func() {
	start := time.Now()
	return func() {
		took := time.Since(start).Seconds()
		for i := range b.seconds {
			if b.seconds[i].phase == phase {
				b.seconds[i].seconds += took
				return
			}
		}
		b.seconds = append(b.seconds, timing{phase, took})
	}
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

// take makes a row of every sample of the round that has a score. With informative, prompts whose samples are all scored
// alike are dropped: they are counted and shown, and nothing is learned from them.
func (b *batch) take(informative bool) {
	b.rounds++
	for _, g := range b.fresh {
		scores := scoresOf(g)
		for _, s := range scores {
			if math.IsNaN(s) {
				b.missing++
			}
		}
		if informative && teachesNothing(scores) {
			b.dropped = append(b.dropped, g)
			continue
		}
		for k, s := range g.Samples {
			if !math.IsNaN(scores[k]) {
				b.rows = append(b.rows, row{group: len(b.groups), sample: k, tokens: s.Tokens, old: s.LogProbs, sampled: s.SampledLogProbs, trained: len(s.Tokens), recorded: s.Recorded})
			}
		}
		b.groups, b.prompts, b.rewards = append(b.groups, g), append(b.prompts, g.IDs), append(b.rewards, scores)
	}
	b.fresh = nil
}

// scoresOf are the scores of a group's samples, NaN where missing; nil under demonstrations.
func scoresOf(g rollout.Group) []float64 {
	var scores []float64
	for _, s := range g.Samples {
		scores = append(scores, scoreOf(s))
	}
	return scores
}

func scoreOf(s rollout.Sample) float64 {
	if s.Result.Missing != "" {
		return math.NaN()
	}
	return s.Result.Score
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
