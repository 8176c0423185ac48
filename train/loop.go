package train

import (
	"context"
	"fmt"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/rollout"
)

// step is one rollout and what is learned from it: ten calls, left to right. b carries what they make of it.
func (t *Trainer) step(ctx context.Context, n int) error {
	b := t.newBatch(n)
	for ask := t.Prompts; ask > 0; ask = t.refill(b) { // 1 to 5 again for others, where prompts are dropped that teach nothing
		indices := t.Sampler.Next(ask)                          //  1 which tasks
		prompts, err := rollout.Render(t.Model, t.Env, indices) //  2 the tasks, 3 in the model's tokens
		if err != nil {
			return err
		}
		if err := t.complete(ctx, b, prompts); err != nil { //  4 completions, or demonstrations
			return err
		}
		if err := t.score(ctx, b); err != nil { //  5 what the rewards say
			return err
		}
	}
	if err := t.reference(ctx, b); err != nil { //  6 log-probs of the reference, if needed
		return err
	}
	if err := t.mismatched(ctx, b); err != nil { //    and of answers under other prompts, if needed
		return err
	}
	if err := t.rowNorms(ctx, b); err != nil { //    squared gradient norms of the rows, if needed
		return err
	}
	if err := t.advantages(b); err != nil { //  7 one advantage a sample
		return err
	}
	for n := range t.UpdatesPerStep() { // one, unless mini-batches or epochs are asked for
		m := t.miniBatch(b, n)
		m.weights = t.Algo.Reduction()(m.lengths(), m.totals(t.Decoding.MaxTokens))
		if err := t.learn(ctx, m); err != nil { //  8 gradients, micro-batch by micro-batch
			return err
		}
		if err := t.update(m); err != nil { //  9 the learning rate and the optimizer
			return err
		}
		t.add(b, m)
	}
	t.follow(b)
	if err := t.syncReference(b.step); err != nil { //    the reference, if it follows
		return err
	}
	if err := t.observe(b); err != nil { // 10 what the sampler, the logs and the user see
		return err
	}
	return t.record(ctx, b)
}

// complete fills the batch with rollouts, or with the tasks' demonstrations.
func (t *Trainer) complete(ctx context.Context, b *batch, prompts []rollout.Prompt) error {
	need := t.Algo.Needs()
	switch {
	case need.Demonstrations:
		return b.demonstrate(t.Model, prompts, need.PromptTokens)
	case !t.Sampled():
		return t.label(b, prompts)
	case need.Principles:
		var err error
		if prompts, err = t.underPrinciples(prompts); err != nil {
			return err
		}
	}
	defer b.time("rollout")()
	t.tell(Event{Kind: Phase, Phase: "rollout"})
	d := t.Decoding
	d.Seed, d.Step, d.Statistics = t.Seed, uint32(b.step), need.TokenStatistics || t.sampledNorms()
	if b.rounds == 0 { // a recording holds one rollout; rows of later ones have their own forward pass
		d.Record = t.remember()
	}
	b.place(prompts)
	groups, computed, err := t.generate(ctx, t.Model, prompts, t.Samples, d)
	if err != nil {
		return err
	}
	b.generated += computed
	if need.GreedyCompletion {
		computed, err = rollout.Greedy(ctx, t.Model, groups, d)
		if err != nil {
			return err
		}
		b.generated += computed
	}
	b.fresh = groups
	if !t.Judged() {
		b.take(false)
		b.cross(len(t.Labels.Principles))
	}
	if t.afterRollout != nil {
		t.afterRollout()
	}
	return nil
}

// score asks the rewards and takes the round into the batch; a sample whose score is missing leaves its denominators.
func (t *Trainer) score(ctx context.Context, b *batch) error {
	if !t.Judged() {
		return nil
	}
	defer b.time("reward")()
	t.tell(Event{Kind: Phase, Phase: "reward"})
	if err := rollout.Score(ctx, t.Rewards, b.fresh, b.step); err != nil {
		return err
	}
	b.take(t.Algo.Needs().Rounds > 0)
	if t.Algo.Needs().Labelled() {
		t.judge(b)
	}
	return t.deadlines.record(t.Rewards)
}

func (t *Trainer) advantages(b *batch) error {
	if n := t.Algo.Needs(); n.Demonstrations || n.Labelled() {
		return nil
	}
	groups := t.scored(b)
	if t.Algo.Needs().TokenAdvantages {
		adv, err := t.Algo.(algos.TokenEstimator).TokenAdvantages(groups)
		if err != nil {
			return err
		}
		return b.setTokenAdvantages(adv)
	}
	adv, err := t.Algo.Advantages(groups)
	if err != nil {
		return err
	}
	return b.setAdvantages(adv)
}

// update clips, sets the learning rate and steps the optimizer. A gradient that is not finite
// stops the run before it can reach the weights.
func (t *Trainer) update(b *batch) error {
	defer b.time("optimizer")()
	norm, scale, err := optim.Clip(t.Model.Backend(), t.params, t.Clip)
	if err != nil {
		return fmt.Errorf("step %d: %w: stopped before it reached the weights", b.step, err)
	}
	b.gradNorm, b.gradL1 = norm, optim.L1(t.Model.Backend(), t.params)
	if b.update == 0 {
		t.restart(b)
	}
	if len(b.rows) == 0 { // no score: not even the optimizer's momentum moves anything
		return nil
	}
	if b.factors == nil {
		t.setRate(b)
	}
	if err := t.optimizer.Step(float32(b.rate), scale); err != nil {
		return err
	}
	t.Model.Updated()
	t.trainedTokens += int64(b.tokens())
	b.moved = true
	return nil
}

// follow takes in how the step has moved the weights.
func (t *Trainer) follow(b *batch) {
	if t.updates != nil && b.moved {
		t.updates.observe(t.Model, t.tensors)
	}
}

// outcomes is what the sampler learns of the step: of every task that it gave, also of those that were dropped.
func (b *batch) outcomes() []sampler.Outcome {
	var out []sampler.Outcome
	for i, g := range b.sampled() {
		if i > 0 && b.together(i, i-1) { // the same task under another principle
			continue
		}
		o := sampler.Outcome{Index: g.Index}
		if b.labels.grid == 0 { // under principles nothing is judged
			o.Rewards = scoresOf(g)
		}
		out = append(out, o)
	}
	return out
}
