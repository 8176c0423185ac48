package cmd

import (
	"fmt"

	"github.com/burnish-rl/burnish/recipes/resolve"
	"github.com/burnish-rl/burnish/train"
)

// plan prints what a run would do: data, memory, steps.
func (t *term) plan(r *resolve.Run) {
	a, p, c := r.Audit, r.Plan, r.Config
	of := "without end"
	if a.Of >= 0 {
		of = fmt.Sprint(a.Of)
	}
	rows := []field{
		{"recipe", r.Recipe.Name}, {"model", c.Model.From()}, {"backend", c.Model.Backend().Name()}, {"algo", r.Recipe.Algo.Kind},
		{"tasks", of}, {"tasks_looked_at", a.Tasks}, {"prompt_tokens", lengths(a.Prompt)},
	}
	if a.Target.Max > 0 {
		rows = append(rows, field{"demonstration_tokens", lengths(a.Target)})
	}
	rows = append(rows,
		field{"tasks_too_long", len(a.TooLong)},
		field{"steps", c.Steps}, field{"prompts_per_step", c.Prompts}, field{"samples_per_prompt", c.Samples},
		field{"micro_batch_tokens", p.MicroBatchTokens}, field{"micro_batches_per_step", p.MicroBatches}, field{"largest_group_tokens", p.WorstGroup},
		field{"kept_layers", fmt.Sprintf("%d of %d", p.KeptLayers, c.Model.Config().Layers)}, field{"recorded_layers", p.RecordedLayers}, field{"max_running", p.MaxRunning},
		field{"memory_weights", t.bytes(p.Weights)}, field{"memory_reference", t.bytes(p.Reference)}, field{"memory_gradients", t.bytes(p.Gradients)},
		field{"memory_optimizer", t.bytes(p.Optimizer)}, field{"memory_recording", t.bytes(p.Recording)}, field{"memory_rollout", t.bytes(p.Rollout)}, field{"memory_training", t.bytes(p.Training)},
		field{"memory_evaluation", t.bytes(p.Evaluated)}, field{"memory_spare", t.bytes(p.Spare)}, field{"memory_saving", t.bytes(p.Saved)}, field{"memory_runtime", t.bytes(p.Runtime)}, field{"memory_peak", t.bytes(p.Peak)},
	)
	t.fields(rows)
}

// planLine is the plan in a line, for those who don't ask for all of it.
func planLine(r *resolve.Run) string {
	p, c := r.Plan, r.Config
	kept, from := p.KeptLayers, ""
	if p.RecordedLayers > 0 {
		kept, from = p.RecordedLayers, " from the rollout on"
	}
	return fmt.Sprintf("memory: %.2f GB planned; micro-batches of %d tokens, activations of %d of %d layers kept%s, %d completions at a time",
		float64(p.Peak)/1e9, p.MicroBatchTokens, kept, c.Model.Config().Layers, from, p.MaxRunning)
}

func lengths(l train.Lengths) string {
	return fmt.Sprintf("min %d, median %d, mean %.1f, p95 %d, max %d", l.Min, l.Median, l.Mean, l.P95, l.Max)
}

// bytes is a number for machines and megabytes for people.
func (t *term) bytes(n int64) any {
	if t.json {
		return n
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
