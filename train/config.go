// Package train is the hall: the only room that knows policy, algos, rewards and envs, and carries data between them.
// Start with [New] and [Trainer.Run]; loop.go is the step.
package train

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/schedule"
)

// Config is a run with everything resolved and opened.
type Config struct {
	Model     *policy.Model
	Reference *policy.Model // the policy at the stage's start; nil means the adapter switched off, or none needed

	Env     envs.Env
	Sampler sampler.Sampler
	Algo    algos.Algorithm
	Rewards *rewards.Composite // nil where nothing is judged
	Labels  Labels             // where algorithms of labelled answers have them from

	Optim optim.Options
	Rate  float64 // base learning rate
	// RateReduction multiplies the rate of an SFT stage, which nothing else holds near the policy it started from (Wang et
	// al. 2025, arXiv:2507.00018); in (0, 1], 0 means that there is none.
	RateReduction float64
	Clip          float64 // largest global gradient norm; 0 means no clipping
	Schedule      schedule.Schedule
	ScheduleName  string // its name in the registry, under which a checkpoint keeps what it remembers

	Prompts      int             // tasks a step
	BatchPrompts int             // of them in each update, a divisor; 0 means all
	Epochs       int             // passes over each rollout; 0 means 1
	Samples      int             // completions a prompt; 1 under demonstrations
	Decoding     policy.Decoding // of rollouts; Seed and Step are set by the loop

	Steps           int
	Seed            uint64
	CheckpointEvery int // steps; 0 means only at the end
	CheckpointKeep  int // newest checkpoints that stay, besides the best; at least 1
	StopAfter       int // stop and save after this step; 0 means run to the end

	Eval Evaluation

	MicroBatchTokens int   // decoder rows of a micro-batch; see Plan
	RecordedLayers   int   // layers whose activations the rollout leaves for the update; 0 means that it runs its own forward pass
	RecordedRows     int   // decoder rows of a step at most, when there are such layers
	HoldNorms        bool  // row norms hold what the update needs again until then; see Plan
	KeptLayers       int   // layers that keep their activations for the backward pass; 0 means all
	PlannedPeak      int64 // bytes, for the metrics; 0 when there is no plan

	Dir      string // run folder
	Cache    string // folder for measurements of prompts that another run may need too; "" keeps none
	Recipe   []byte // effective recipe, saved with the run; a resumed run must bring the same bytes
	Resume   bool
	Observer Observer // may be nil
}

// Evaluation is what is measured on held-out tasks while training.
type Evaluation struct {
	Env      envs.Env // nil means no evaluation
	Limit    int      // tasks [0, Limit)
	Every    int      // steps; 0 means only before and after when AtEnds is set
	AtEnds   bool     // also before the first step and after the last
	Decoding policy.Decoding
}

// validate checks what no single room can see.
func (c *Config) validate() error {
	if err := c.complete(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if err := c.Algo.Validate(); err != nil {
		return err
	}
	need := c.Algo.Needs()
	if _, ok := c.Algo.(algos.TokenEstimator); need.TokenAdvantages && !ok {
		return fmt.Errorf("train: this algorithm needs advantages of tokens, and doesn't give them: want a TokenEstimator")
	}
	switch {
	case c.Steps < 1:
		return fmt.Errorf("train: %d steps, want at least 1", c.Steps)
	case c.Prompts < 1:
		return fmt.Errorf("train: %d prompts a step, want at least 1", c.Prompts)
	case c.Samples < 1:
		return fmt.Errorf("train: %d samples a prompt, want at least 1", c.Samples)
	case c.Judged() && !need.Unpaired && c.Samples < 2:
		return fmt.Errorf("train: 1 sample a prompt, want at least 2: samples of a prompt are compared")
	case c.Judged() && (c.Rewards == nil || len(c.Rewards.List) == 0):
		return fmt.Errorf("train: no rewards, and this algorithm learns from them")
	case need.Reference && c.Reference == nil && !c.Model.CanSwitchAdapterOff():
		return fmt.Errorf("train: this algorithm needs the reference policy, and none was given")
	case need.SyncRef > 0 && (need.Demonstrations || need.Labelled()):
		return fmt.Errorf("train: a reference that follows every %d steps, want one that stays: this algorithm doesn't learn from rewards of rollouts", need.SyncRef)
	case c.MicroBatchTokens < 1:
		return fmt.Errorf("train: micro-batches of %d tokens, want at least 1", c.MicroBatchTokens)
	case c.KeptLayers < 0 || c.KeptLayers > c.Model.Config().Layers:
		return fmt.Errorf("train: %d kept layers, want 0 (all) to %d", c.KeptLayers, c.Model.Config().Layers)
	case c.CheckpointKeep < 1:
		return fmt.Errorf("train: checkpoint_keep %d, want at least 1", c.CheckpointKeep)
	case !(c.Rate >= 0) || math.IsInf(c.Rate, 0):
		return fmt.Errorf("train: learning rate %v, want a number >= 0", c.Rate)
	case !(c.RateReduction >= 0 && c.RateReduction <= 1):
		return fmt.Errorf("train: reduction of the learning rate %v, want a number in (0, 1], or 0 for none", c.RateReduction)
	case c.RateReduction != 0 && !need.Demonstrations:
		return fmt.Errorf("train: a reduction of the learning rate, and this algorithm doesn't learn from demonstrations")
	case !(c.Clip >= 0) || math.IsInf(c.Clip, 0):
		return fmt.Errorf("train: clip %v, want a number >= 0", c.Clip)
	}
	if sized, ok := c.Env.(envs.Sized); ok && sized.Len() == 0 {
		return fmt.Errorf("train: the environment has no tasks")
	}
	if err := c.validateUpdates(); err != nil {
		return err
	}
	return c.validateParts()
}

// complete finds what has no default and was not given.
func (c *Config) complete() error {
	for _, part := range []struct {
		name  string
		given bool
	}{
		{"model", c.Model != nil}, {"env", c.Env != nil}, {"sampler", c.Sampler != nil}, {"algorithm", c.Algo != nil},
		{"optimizer", c.Optim != nil}, {"schedule", c.Schedule != nil}, {"run folder", c.Dir != ""},
	} {
		if !part.given {
			return fmt.Errorf("no %s was given", part.name)
		}
	}
	return nil
}

// validateParts asks the parts themselves.
func (c *Config) validateParts() error {
	if err := c.Optim.Validate(); err != nil {
		return err
	}
	if lora := c.Model.Adapter(); lora != nil {
		if err := lora.ValidateTraining(); err != nil {
			return err
		}
	}
	if err := c.validateGradients(); err != nil {
		return err
	}
	if err := c.validateLabels(); err != nil {
		return err
	}
	if !c.Sampled() {
		return nil
	}
	if c.Decoding.MaxTokens < 1 {
		return fmt.Errorf("train: max_tokens %d, want at least 1", c.Decoding.MaxTokens)
	}
	if err := c.Decoding.Validate(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}
