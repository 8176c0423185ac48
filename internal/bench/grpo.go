package bench

import (
	"context"
	"fmt"

	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/rewards"
)

// GRPOSpec is a step of GRPO: prompts, samples of each, tokens of each sample.
type GRPOSpec struct {
	RecipeSpec
	Prompts, Samples     int
	PromptTokens, Tokens int
}

// GRPOResult is the whole step, rollout to optimizer.
type GRPOResult struct {
	StepResult
	Flops float64 // of a step, every product once
}

const grpoSections = `
model: {}
env: {kind: jsonl, prompt_ids: prompt, sampler: {kind: sequential}}
rollout: {prompts_per_step: %d, samples_per_prompt: %d, max_tokens: %d}
rewards: [{kind: json-valid}]
algo: {kind: grpo}
optim: {kind: adamw, lr: 1e-6}
train: {eval_limit: 0}
`

// GRPO measures steps of a recipe, with a reward that costs nothing. End tokens are ignored, so that every completion
// has its full length.
func GRPO(ctx context.Context, s GRPOSpec) (GRPOResult, error) {
	end := record()
	tasks := make([]task, s.Prompts)
	for i := range tasks {
		tasks[i].Prompt = words(i, s.PromptTokens)
	}
	o, err := s.open(ctx, fmt.Sprintf(grpoSections, s.Prompts, s.Samples, s.Tokens), tasks)
	defer o.close()
	if err != nil {
		return GRPOResult{}, err
	}
	if need, has := s.PromptTokens+s.Tokens, o.Config.Model.Context(); need > has {
		return GRPOResult{}, fmt.Errorf("bench grpo: %d prompt tokens and %d after them: the model's context is %d", s.PromptTokens, s.Tokens, has)
	}
	o.Config.Decoding.IgnoreEnd = true
	if o.Config.Rewards, err = rewards.NewComposite([]rewards.Weighted{{Name: "any", Weight: 1, Reward: anyScore{}}}); err != nil {
		return GRPOResult{}, err
	}
	r, err := s.steps(ctx, o, end)
	return GRPOResult{StepResult: r, Flops: s.flops(o.Config.Model.Config(), s.Adapter != "none")}, err
}

// flops counts the rollout's forward pass and the training's both. A last token is no row of the decoder.
func (s GRPOSpec) flops(c decoder.Config, frozen bool) float64 {
	samples, own := s.Prompts*s.Samples, s.Tokens-1
	rows := s.Prompts*s.PromptTokens + samples*own
	seen := float64(s.Prompts)*pairs(0, s.PromptTokens) + float64(samples)*pairs(s.PromptTokens, own)
	rollout := forwardFlops(c, rows, s.Prompts+samples*own, seen)
	heads := samples * s.Tokens
	return rollout + forwardFlops(c, rows, heads, seen) + backwardFlops(c, rows, heads, seen, frozen)
}
