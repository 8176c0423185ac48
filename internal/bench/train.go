package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// TrainSpec is a step of SFT on packed sequences of one length, every token trained.
type TrainSpec struct {
	RecipeSpec
	Batch, Length int  // sequences, and rows of the decoder in each
	Split         bool // measure the forward pass alone too
}

// TrainResult is the step. With Split its phase "train" is given as the forward pass, measured alone after the steps,
// and the rest of it, the backward pass.
type TrainResult struct {
	StepResult
	Tokens Spread  // trained a second
	Flops  float64 // of a step, every product once
}

const trainSections = `
model: {}
env: {kind: jsonl, prompt_ids: prompt, completion_ids: completion, sampler: {kind: sequential}}
rollout: {max_tokens: %d}
algo: {kind: sft}
optim: {kind: adamw, lr: 1e-6}
train: {batch_size: %d, eval_limit: 0}
`

// Train measures steps of a recipe.
func Train(ctx context.Context, s TrainSpec) (TrainResult, error) {
	end := record()
	tasks := make([]task, s.Batch)
	for i := range tasks {
		ids := words(i, s.Length+1) // the last token is a target only, so that Length rows are computed
		tasks[i] = task{Prompt: ids[:1], Completion: ids[1:]}
	}
	o, err := s.open(ctx, fmt.Sprintf(trainSections, s.Length, s.Batch), tasks)
	defer o.close()
	if err != nil {
		return TrainResult{}, err
	}
	step, err := s.steps(ctx, o, end)
	r := TrainResult{StepResult: step, Flops: s.flops(o.Config.Model.Config(), s.Adapter != "none")}
	if err != nil || step.Seconds.N == 0 {
		return r, err
	}
	r.Tokens = step.Seconds.Per(float64(s.Batch * s.Length))
	if !s.Split {
		return r, nil
	}
	return r, s.split(ctx, &r, o.Config.Model, tasks)
}

// split puts the forward and the backward pass in the place of the phase "train".
func (s TrainSpec) split(ctx context.Context, r *TrainResult, m *policy.Model, tasks []task) error {
	atOnce := max(1, min(s.Batch, r.Plan.MicroBatchTokens/s.Length))
	var seconds []float64
	err := repeat(ctx, min(s.Repeats, 3), func(counts bool) error {
		start := time.Now()
		for from := 0; from < s.Batch; from += atOnce {
			var b policy.Batch
			for i, t := range tasks[from:min(from+atOnce, s.Batch)] {
				b.Prompts = append(b.Prompts, t.Prompt)
				b.Rows = append(b.Rows, policy.Row{Prompt: i, Tokens: t.Completion})
			}
			tokens, err := m.LogProbs(b, true)
			if err != nil {
				return err
			}
			tokens.Release()
		}
		if counts {
			seconds = append(seconds, time.Since(start).Seconds())
		}
		return nil
	})
	if err != nil || len(seconds) == 0 {
		return err
	}
	forward := medianOf(seconds)
	var phases []Phase
	for _, p := range r.Phases {
		if p.Name == "train" {
			phases = append(phases, Phase{"forward", forward}, Phase{"backward", p.Seconds - forward})
			continue
		}
		phases = append(phases, p)
	}
	r.Phases = phases
	return nil
}

func (s TrainSpec) flops(c decoder.Config, frozen bool) float64 {
	rows := s.Batch * s.Length
	seen := float64(s.Batch) * pairs(0, s.Length)
	return forwardFlops(c, rows, rows, seen) + backwardFlops(c, rows, rows, seen, frozen)
}
