// Package resolve opens what a recipe names (model, environment, rewards, sampler) and makes the [train.Config] that
// package train runs. Start with [Open].
package resolve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/generate"
	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/rollout"
)

// Run is a recipe with everything opened.
type Run struct {
	Recipe *recipes.Recipe // with the plan's choices filled in
	Config train.Config
	Plan   train.Plan
	Audit  train.Audit
	Notes  []string // what the user should know before the first step

	closers []func()
	judges  []train.Judge // models that rewards ask
}

// Close stops the rewards' children and frees the models.
func (r *Run) Close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
}

// Options are what a recipe doesn't say.
type Options struct {
	Backend compute.Backend   // in the recipe's precision, see policy.CPU
	Log     func(line string) // what rewards in child processes print
	Sharing int               // runs at the same time that share the memory of memory: auto; 0 means this one alone
}

// Open opens everything and computes the plan. The audit renders every task, so a task that doesn't fit is found now.
func Open(ctx context.Context, recipe *recipes.Recipe, o Options) (run *Run, err error) {
	run = &Run{Recipe: recipe}
	defer func() {
		if err != nil {
			run.Close()
		}
	}()
	c := &run.Config
	c.Algo = recipe.Algo.Options
	need := c.Algo.Needs()
	l := recipe.Labels
	c.Labels = train.Labels{Rollouts: l.From == recipes.FromRollouts, Gap: l.Gap, Threshold: l.Threshold, Principles: l.Principles}
	if err := run.openModel(o.Backend); err != nil {
		return run, err
	}
	if err := run.openEnvs(); err != nil {
		return run, err
	}
	if c.Judged() {
		if c.Rewards, err = run.openRewards(o.Backend, o.Log); err != nil {
			return run, err
		}
	}
	run.copySettings()
	if c.Schedule, err = recipe.Schedule.Options.Open(); err != nil {
		return run, err
	}
	if need.Labelled() {
		if run.Audit, err = c.AuditLabelled(ctx, 1); err != nil && !c.Sampled() {
			err = hinted{err, "name the columns of its answers (env.chosen and env.rejected; env.completion and env.label; env.answers), or learn from the policy's own: --set labels.from=rollouts"}
		}
	} else {
		run.Audit, err = train.NewAudit(ctx, c.Model, c.Env, need.Demonstrations, 1)
	}
	if err != nil {
		return run, err
	}
	if err := run.Audit.Err(c.Model.Context()); err != nil {
		return run, err
	}
	if err := run.setSteps(); err != nil {
		return run, err
	}
	return run, run.plan(max(o.Sharing, 1))
}

func (r *Run) openModel(b compute.Backend) (err error) {
	c := &r.Config
	if c.Model, err = Base(r.Recipe, b); err != nil {
		return err
	}
	r.closers = append(r.closers, c.Model.Close)
	if r.Recipe.Adapter.Kind == "lora" {
		if err := r.Recipe.Adapter.LoRA.ValidateTraining(); err != nil {
			return err
		}
		if c.Model.Adapter() != nil {
			if err := c.Model.Merge(); err != nil {
				return err
			}
			r.Notes = append(r.Notes, c.Model.From()+" is an adapter: it is merged into its base, and a fresh adapter is trained beside that")
		}
		if err := c.Model.AttachLoRA(r.Recipe.Adapter.LoRA, r.Recipe.Train.Seed); err != nil {
			return err
		}
	}
	if c.Algo.Needs().Reference && !c.Model.CanSwitchAdapterOff() {
		if c.Reference, err = Base(r.Recipe, b); err != nil {
			return fmt.Errorf("reference: %w", err)
		}
		c.Reference.Freeze()
		r.closers = append(r.closers, c.Reference.Close)
	}
	return nil
}

// Base opens the model as it stands when the recipe begins, without an adapter of its own.
func Base(r *recipes.Recipe, b compute.Backend) (*policy.Model, error) {
	if r.Model.From != "new" {
		return policy.Open(r.Model.From, b)
	}
	config := r.Model.Config.JSON
	if r.Model.Config.Path != "" {
		var err error
		if config, err = policy.ReadConfig(r.Model.Config.Path); err != nil {
			return nil, err
		}
	}
	return policy.OpenNew(config, r.Model.Tokenizer, r.Train.Seed, b)
}

func (r *Run) openEnvs() (err error) {
	c := &r.Config
	if c.Env, err = r.Recipe.Env.Options.Open(); err != nil {
		return err
	}
	size := sampler.Unlimited
	if s, ok := c.Env.(envs.Sized); ok {
		size = s.Len()
	}
	if c.Sampler, err = r.Recipe.Sampler.Options.Open(r.Recipe.Train.Seed, size); err != nil {
		return err
	}
	if r.Recipe.Train.EvalLimit == 0 {
		return nil
	}
	held, ok := HeldOut(r.Recipe)
	if !ok {
		return hinted{errors.New("there are no held-out tasks to evaluate on"), "give eval_env, or --set train.eval_limit=0 for no evaluation"}
	}
	if c.Eval.Env, err = held.Open(); err != nil {
		return fmt.Errorf("evaluation: %w", err)
	}
	c.Eval.Limit = r.Recipe.Train.EvalLimit
	if s, ok := c.Eval.Env.(envs.Sized); ok {
		c.Eval.Limit = min(c.Eval.Limit, s.Len())
	}
	return nil
}

// HeldOut is the environment of a recipe's evaluations, if it has one.
func HeldOut(r *recipes.Recipe) (held envs.Options, ok bool) {
	if r.EvalEnv.Options != nil {
		return r.EvalEnv.Options, true
	}
	outer, ok := r.Env.Options.(envs.HoldOuter)
	if !ok {
		return nil, false
	}
	return outer.HeldOut()
}

// hinted is an error with a remedy.
type hinted struct {
	error
	hint string
}

func (h hinted) Hint() string { return h.hint }

// copySettings takes over what needs no opening.
func (r *Run) copySettings() {
	c, t := &r.Config, r.Recipe.Train
	c.Optim, c.Rate, c.Clip, c.ScheduleName = r.Recipe.Optim.Options, r.Recipe.Optim.LR, r.Recipe.Optim.Clip, r.Recipe.Schedule.Kind
	c.RateReduction = r.Recipe.Optim.LRReduction
	o := r.Recipe.Rollout
	c.Decoding = policy.Decoding{MaxTokens: o.MaxTokens, Stop: o.Stop}
	c.Decoding.Decoding = generate.Decoding{Temperature: float32(o.Temperature), TopK: o.TopK, TopP: float32(o.TopP), MinP: float32(o.MinP)}
	c.Prompts, c.Samples = o.PromptsPerStep, o.SamplesPerPrompt
	switch {
	case !c.Sampled():
		c.Prompts, c.Samples = t.BatchSize, 1
	case c.Algo.Needs().Principles:
		c.Samples = 1
	case !c.Algo.Needs().Labelled():
		c.BatchPrompts, c.Epochs = t.BatchSize, t.Epochs
	}
	c.Steps, c.Seed = t.Steps, t.Seed
	if cache, err := os.UserCacheDir(); err == nil { // what is kept there is found by its content, so it changes no result
		c.Cache = filepath.Join(cache, "burnish")
	}
	c.CheckpointEvery, c.CheckpointKeep = t.CheckpointEvery, t.CheckpointKeep
	c.Eval.Every, c.Eval.AtEnds = t.EvalEvery, c.Eval.Env != nil
	c.Eval.Decoding = c.Decoding
	c.Eval.Decoding.Decoding = generate.Decoding{Temperature: float32(t.EvalTemperature)}
}

// setSteps turns epochs into steps.
func (r *Run) setSteps() error {
	c, epochs := &r.Config, r.Recipe.Train.Epochs
	if epochs == 0 || c.Sampled() {
		return nil
	}
	s, ok := c.Env.(envs.Sized)
	if !ok {
		return hinted{errors.New("train.epochs: the environment has no end"), "give train.steps instead"}
	}
	c.Steps = (epochs*s.Len() + c.Prompts - 1) / c.Prompts
	return nil
}

// heldOutPrompts counts the tokens of each prompt that an evaluation answers.
func (r *Run) heldOutPrompts() ([]int, error) {
	e := r.Config.Eval
	if e.Env == nil {
		return nil, nil
	}
	var lengths []int
	for i := range e.Limit {
		prompts, err := rollout.Render(r.Config.Model, e.Env, []int{i})
		if err != nil {
			return nil, fmt.Errorf("evaluation: %w", err)
		}
		lengths = append(lengths, len(prompts[0].IDs))
	}
	return lengths, nil
}

// In says where the run writes, and freezes the effective recipe.
func (r *Run) In(dir string, resume bool) {
	r.Config.Dir, r.Config.Resume = dir, resume
	r.Config.Recipe = r.Recipe.YAML()
}
