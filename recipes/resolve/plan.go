package resolve

import (
	"context"
	"errors"
	"fmt"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/internal/machine"
	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/train"
)

const (
	// freeShare is what memory auto takes of the memory that is free when the run starts. The rest is for others, and
	// for what the kernel caches of the files.
	freeShare = 0.8
	// unknownFree is the limit of memory auto where the system doesn't say what is free.
	unknownFree = 4_000_000_000
)

// plan computes the memory and writes its choices into the recipe, where a resumed run finds them: whatever machine it
// goes on with, it computes the same in the same pieces.
func (r *Run) plan(sharing int) error {
	w, err := r.workload()
	if err != nil {
		return err
	}
	auto := w.Limit == 0
	if auto {
		w.Limit = unknownFree
		if free, ok := machine.FreeMemory(); ok {
			w.Limit = int64(freeShare * float64(free) / float64(sharing))
		}
	}
	var short *train.TooLittleMemory
	r.Plan, err = train.NewPlan(w)
	switch {
	case errors.As(err, &short) && auto:
		r.Notes = append(r.Notes, fmt.Sprintf("the run needs %d MB; %d MB are %.0f%% of what is free now", short.Least/1e6, short.Limit/1e6, 100*freeShare/float64(sharing)))
	case errors.As(err, &short):
		return hinted{err, fmt.Sprintf("--set train.memory=%s, or less in rollout.max_tokens, rollout.samples_per_prompt or train.micro_batch_tokens", atLeast(short.Least))}
	case err != nil:
		return err
	}
	t, c := &r.Recipe.Train, &r.Config
	t.MicroBatchTokens, t.KeptLayers, t.MaxRunning, t.RecordedLayers = r.Plan.MicroBatchTokens, r.Plan.KeptLayers, r.Plan.MaxRunning, r.Plan.RecordedLayers
	c.RecordedLayers, c.RecordedRows = r.Plan.RecordedLayers, r.Plan.RecordedRows
	c.MicroBatchTokens, c.KeptLayers, c.PlannedPeak = t.MicroBatchTokens, t.KeptLayers, r.Plan.Peak
	c.HoldNorms = r.Plan.Held > 0
	c.Decoding.MaxRunning, c.Eval.Decoding.MaxRunning = t.MaxRunning, t.MaxRunning
	return nil
}

// atLeast is a size that train.memory takes, rounded up.
func atLeast(bytes int64) string {
	const step = 10_000_000
	return fmt.Sprintf("%dMB", (bytes+step-1)/step*step/1_000_000)
}

// workload is what the plan is made for.
func (r *Run) workload() (w train.Workload, err error) {
	c, t := &r.Config, r.Recipe.Train
	w = train.Workload{
		Config: c.Model.Config(), BF16: r.Recipe.Model.Precision == "bf16", Adapter: c.Model.Adapter() != nil, Reference: c.Reference != nil, Judges: r.judges,
		Prompts: c.Prompts, Samples: c.Samples, PromptTokens: r.Audit.Prompt.Max, MaxTokens: c.Decoding.MaxTokens,
		Updates: c.UpdatesPerStep(), BatchPrompts: c.BatchPrompts, SyncRef: c.Algo.Needs().SyncRef > 0,
		ExactNorms: c.ExactNorms(), HeadNorms: c.HeadNorms(), GradStats: c.Algo.Needs().GradStats, Refills: c.Algo.Needs().Rounds > 1,
		Demonstrations: !c.Sampled(), Longest: r.Audit.Longest, EvalMaxTokens: c.Eval.Decoding.MaxTokens,
		MicroBatch: t.MicroBatchTokens, KeptLayers: t.KeptLayers, MaxRunning: t.MaxRunning, RecordedLayers: t.RecordedLayers,
	}
	switch {
	case w.Demonstrations:
		w.MaxTokens = r.Audit.Target.Max
	case c.Algo.Needs().Principles: // every answer is learned under every principle
		w.Together = len(c.Labels.Principles)
		w.Samples, w.PromptTokens = w.Together, r.Audit.Longest-1
		if w.RecordedLayers < 0 {
			w.RecordedLayers = 0 // the update has rows that the rollout never saw
		}
	}
	if t.RecordedLayers > w.Config.Layers {
		return w, hinted{fmt.Errorf("train.recorded_layers is %d, the model has %d layers", t.RecordedLayers, w.Config.Layers), "--set train.recorded_layers=-1 leaves it to the memory plan"}
	}
	if t.KeptLayers > w.Config.Layers {
		return w, hinted{fmt.Errorf("train.kept_layers is %d, the model has %d layers", t.KeptLayers, w.Config.Layers), "--set train.kept_layers=0 leaves it to the memory plan"}
	}
	if w.Updates > 1 && t.RecordedLayers > 0 {
		return w, hinted{fmt.Errorf("train.recorded_layers is %d, want 0 with %d updates a step: what a rollout leaves is of use to the first alone", t.RecordedLayers, w.Updates), "--set train.recorded_layers=-1 leaves it to the memory plan"}
	}
	for _, env := range []envs.Env{c.Env, c.Eval.Env} {
		if h, ok := env.(envs.Held); ok {
			w.Data += h.Bytes()
		}
	}
	w.Trained = c.Model.TrainedElements()
	w.StateBytes = c.Optim.StateBytes(w.Trained)
	if c.EvaluatesPairs() {
		err = r.heldOutPairs(&w)
	} else {
		w.EvalPrompts, err = r.heldOutPrompts()
	}
	if err != nil {
		return w, err
	}
	w.Limit, err = recipes.MemoryLimit(t.Memory)
	return w, err
}

// heldOutPairs lets the largest held-out pair count as one of the step's: it takes no more than that.
func (r *Run) heldOutPairs(w *train.Workload) error {
	a, err := r.Config.AuditPairs(context.Background(), r.Config.Eval.Env, r.Config.Eval.Limit)
	if err == nil {
		err = a.Err(r.Config.Model.Context())
	}
	if err != nil {
		return fmt.Errorf("evaluation: %w", err)
	}
	w.PromptTokens, w.MaxTokens, w.Longest = max(w.PromptTokens, a.Prompt.Max), max(w.MaxTokens, a.Target.Max), max(w.Longest, a.Longest)
	return nil
}
