package train

import (
	"context"
	"fmt"

	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/rollout"
)

// step is one optimizer step: ten calls, left to right. b carries what they make of it.
func (t *Trainer) step(ctx context.Context, n int) error {
	b := t.newBatch(n)
	indices := t.Sampler.Next(t.Prompts)                    //  1 which tasks
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
	b.weights = t.Algo.Reduction()(b.lengths(), b.totals(t.Decoding.MaxTokens))
	if err := t.learn(ctx, b); err != nil { //  8 gradients, micro-batch by micro-batch
		return err
	}
	if err := t.update(b); err != nil { //  9 the learning rate and the optimizer
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
	d.Seed, d.Step, d.Record = t.Seed, uint32(b.step), t.remember()
	groups, computed, err := t.generate(ctx, t.Model, prompts, t.Samples, d)
	if err != nil {
		return err
	}
	b.generated = computed
	b.take(groups)
	if need.Principles {
		b.cross(len(t.Labels.Principles))
	}
	if t.afterRollout != nil {
		t.afterRollout()
	}
	return nil
}

// score asks the rewards; a sample whose score is missing leaves the batch's denominators.
func (t *Trainer) score(ctx context.Context, b *batch) error {
	if !t.Judged() {
		return nil
	}
	defer b.time("reward")()
	t.tell(Event{Kind: Phase, Phase: "reward"})
	if err := rollout.Score(ctx, t.Rewards, b.groups, b.step); err != nil {
		return err
	}
	b.readScores()
	if t.Algo.Needs().Labelled() {
		t.judge(b)
	}
	return t.deadlines.record(t.Rewards)
}

func (t *Trainer) advantages(b *batch) error {
	if n := t.Algo.Needs(); n.Demonstrations || n.Labelled() {
		return nil
	}
	adv, err := t.Algo.Advantages(b.scored(t.Decoding.MaxTokens, t.Algo.Needs().RewardKL))
	if err != nil {
		return err
	}
	return b.setAdvantages(adv)
}

// learn adds up the gradients of the step. Token weights are fixed, so the cut into micro-batches changes nothing.
func (t *Trainer) learn(ctx context.Context, b *batch) error {
	defer b.time("train")()
	t.tell(Event{Kind: Phase, Phase: "train"})
	t.Model.ZeroGrads()
	measured := t.beginGroups()
	for _, mb := range b.cut(t.budget(), t.skipsStill()) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := t.learnFrom(mb); err != nil {
			return err
		}
		if err := measured.add(); err != nil {
			return err
		}
		t.tell(Event{Kind: Progress, Done: mb.to, Total: len(b.rows)})
	}
	if err := t.Model.FinishGrads(); err != nil {
		return err
	}
	return measured.finish(b)
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
	t.restart(b)
	if len(b.rows) == 0 { // no score: not even the optimizer's momentum moves anything
		return nil
	}
	t.setRate(b)
	if err := t.optimizer.Step(float32(b.rate), scale); err != nil {
		return err
	}
	t.Model.Updated()
	t.trainedTokens += int64(b.tokens())
	if t.updates != nil {
		t.updates.observe(t.Model, t.tensors)
	}
	return nil
}

// outcomes is what the sampler learns of the step.
func (b *batch) outcomes() []sampler.Outcome {
	var out []sampler.Outcome
	for i, g := range b.groups {
		if i > 0 && b.together(i, i-1) { // the same task under another principle
			continue
		}
		out = append(out, sampler.Outcome{Index: g.Index, Rewards: b.rewards[i]})
	}
	return out
}
