package recipes

import (
	"fmt"
	"math"
	"strings"

	"github.com/burnish-rl/burnish/envs"
)

// Limits of numbers in a recipe: far above sense, low enough that products fit.
const (
	maxSteps      = 100_000_000
	maxPerStep    = 1_000_000 // prompts, samples, demonstrations
	maxTokens     = 10_000_000
	maxVocabulary = 10_000_000
	maxScalar     = 100.0 // temperature, learning rate
)

// refuse reports a problem at a path, or at the section it would be in. Nothing is said about a path whose value was
// already refused.
func (d *decoder) refuse(path, format string, args ...any) {
	n := d.root
	found := false
	for p := path; p != ""; p = p[:max(strings.LastIndexByte(p, '.'), 0)] {
		if d.bad[p] {
			return
		}
		if at := d.at[p]; at != nil && !found {
			n, found = at, true
		}
	}
	d.report(n, format, args...)
}

// given says that a key stands in the recipe.
func (d *decoder) given(path string) bool { return d.at[path] != nil }

func (d *decoder) count(path string, v, low, high int) {
	if v < low || v > high {
		d.refuse(path, "%s is %d, want %d to %d", path, v, low, high)
	}
}

func (d *decoder) number(path string, v float64, ok bool, want string) {
	if !ok || math.IsNaN(v) {
		d.refuse(path, "%s is %v, want %s", path, v, want)
	}
}

// checkAll checks what the types cannot say. Keys that the algorithm makes meaningless are refused with the reason.
func (d *decoder) checkAll(r *Recipe) {
	d.checkModel(r.Model)
	if r.Model.From == "new" && r.Adapter.Kind != "none" {
		d.refuse("model.adapter", "model.adapter is %s, want none: a new model is saved nowhere that its adapter could stand on", r.Adapter.Kind)
	}
	d.checkRollout(r.Rollout)
	d.checkTrain(r.Train)
	d.checkOptim(r)
	d.checkLabels(r)
	switch {
	case r.Algo.Kind == "": // already reported
	case r.sampled():
		d.checkSampled(r)
	default:
		d.checkData(r)
	}
	if r.Env.Kind != "" && r.Train.EvalLimit > 0 && r.EvalEnv.Kind == "" {
		if _, ok := r.Env.Options.(envs.HoldOuter); !ok {
			d.refuse("env", "env %s has no held-out tasks: give eval_env, or train.eval_limit 0 for no evaluation", r.Env.Kind)
		}
	}
}

func (d *decoder) checkOptim(r *Recipe) {
	o := r.Optim
	if !d.given("optim.lr") {
		d.refuse("optim.lr", "optim.lr is missing, want the peak learning rate, such as 1e-5")
	} else {
		d.number("optim.lr", o.LR, o.LR > 0 && o.LR <= maxScalar, "a number in (0, 100]")
	}
	switch {
	case !d.given("optim.lr_reduction"):
	case r.Algo.Kind != "" && !r.demonstrations():
		d.refuse("optim.lr_reduction", "optim.lr_reduction has no meaning under %s: it stands for the KL term that SFT lacks", r.Algo.Kind)
	default:
		d.number("optim.lr_reduction", o.LRReduction, o.LRReduction > 0 && o.LRReduction <= 1, "a number in (0, 1]")
	}
	d.number("optim.clip", o.Clip, o.Clip >= 0, "a number >= 0")
}

func (d *decoder) checkModel(m Model) {
	switch {
	case m.From == "":
		d.refuse("model.from", "model.from is missing, want builtin:tiny, the path of a model, or new: --set model.from=PATH")
	case m.From == "new":
		if m.Config.IsZero() && !d.given("model.config") {
			d.refuse("model", "model.config is missing, and a new model needs the path of a config.json or its keys")
		}
		if m.Tokenizer == "" {
			d.refuse("model", "model.tokenizer is missing, and a new model needs builtin:tiny or the path of a tokenizer.json")
		}
	default:
		if d.given("model.config") {
			d.refuse("model.config", "model.config is for model.from new: %s brings its own", m.From)
		}
		if d.given("model.tokenizer") {
			d.refuse("model.tokenizer", "model.tokenizer is for model.from new: %s brings its own", m.From)
		}
	}
	switch m.Precision {
	case "f32", "bf16":
	case "f16":
		d.refuse("model.precision", "model.precision f16: not in this version, want f32 or bf16")
	default:
		d.refuse("model.precision", "model.precision is %s, want f32 or bf16", show(m.Precision))
	}
}

func (d *decoder) checkRollout(o Rollout) {
	d.count("rollout.max_tokens", o.MaxTokens, 1, maxTokens)
	d.count("rollout.top_k", o.TopK, 0, maxVocabulary)
	d.number("rollout.min_p", o.MinP, o.MinP >= 0 && o.MinP < 1, "a number in [0, 1)")
	for i, s := range o.Stop {
		if s == "" {
			d.refuse(fmt.Sprintf("rollout.stop.%d", i), "rollout.stop: string %d is empty", i)
		}
	}
}

func (d *decoder) checkTrain(t Train) {
	if d.given("train.steps") {
		d.count("train.steps", t.Steps, 1, maxSteps)
	}
	if d.given("train.epochs") {
		d.count("train.epochs", t.Epochs, 1, maxPerStep)
	}
	d.count("train.eval_every", t.EvalEvery, 0, maxSteps)
	d.count("train.eval_limit", t.EvalLimit, 0, maxSteps)
	d.count("train.checkpoint_every", t.CheckpointEvery, 0, maxSteps)
	d.count("train.checkpoint_keep", t.CheckpointKeep, 1, maxPerStep)
	d.count("train.micro_batch_tokens", t.MicroBatchTokens, 0, maxTokens)
	d.number("train.eval_temperature", t.EvalTemperature, t.EvalTemperature >= 0 && t.EvalTemperature <= maxScalar, "a number in [0, 100], 0 for greedy")
	d.count("train.kept_layers", t.KeptLayers, 0, maxSteps)
	d.count("train.recorded_layers", t.RecordedLayers, -1, maxSteps)
	d.count("train.max_running", t.MaxRunning, 0, maxPerStep)
	if _, err := MemoryLimit(t.Memory); err != nil {
		d.refuse("train.memory", "train.memory is %s, want auto or a size such as 4GB, 1.5GB or 800MB", show(t.Memory))
	}
}

// checkData checks a recipe that trains on the tasks' own answers.
func (d *decoder) checkData(r *Recipe) {
	from, unit := "demonstrations", "demonstrations"
	if !r.demonstrations() {
		from, unit = "the tasks' answers; labels.from rollouts learns from the policy's own", "tasks"
	}
	for _, key := range []string{"prompts_per_step", "samples_per_prompt", "temperature", "top_k", "top_p", "min_p"} {
		if d.given("rollout." + key) {
			hint := ""
			if key == "prompts_per_step" {
				hint = "; train.batch_size is the number of " + unit + " a step"
			}
			d.refuse("rollout."+key, "rollout.%s has no meaning under %s, which samples nothing while it trains%s", key, r.Algo.Kind, hint)
		}
	}
	if d.given("rewards") {
		d.refuse("rewards", "rewards have no meaning under %s, which learns from %s", r.Algo.Kind, from)
	}
	switch steps, epochs := d.given("train.steps"), d.given("train.epochs"); {
	case steps && epochs:
		d.refuse("train.epochs", "train.epochs and train.steps are both given, want one of them")
	case !steps && !epochs:
		d.refuse("train", "train.steps or train.epochs is missing")
	}
	d.count("train.batch_size", r.Train.BatchSize, 1, maxPerStep)
}

func (d *decoder) checkSampled(r *Recipe) {
	d.checkUpdates(r)
	if !d.given("train.steps") {
		d.refuse("train", "train.steps is missing")
	}
	switch {
	case r.needs().Principles && d.given("rewards"):
		d.refuse("rewards", "rewards have no meaning under %s, which judges nothing", r.Algo.Kind)
	case r.needs().Principles && d.given("rollout.samples_per_prompt"):
		d.refuse("rollout.samples_per_prompt", "rollout.samples_per_prompt has no meaning under %s, which samples once under each principle", r.Algo.Kind)
	case len(r.Rewards) == 0 && !r.needs().Principles:
		d.refuse("rewards", "rewards are missing, and %s learns from them", r.Algo.Kind)
	}
	d.count("rollout.prompts_per_step", r.Rollout.PromptsPerStep, 1, maxPerStep)
	switch n := r.needs(); {
	case n.Unpaired: // nothing is compared within a prompt
		d.count("rollout.samples_per_prompt", r.Rollout.SamplesPerPrompt, 1, maxPerStep)
	case !n.Principles:
		d.count("rollout.samples_per_prompt", r.Rollout.SamplesPerPrompt, 2, maxPerStep)
	}
	d.number("rollout.temperature", r.Rollout.Temperature, r.Rollout.Temperature > 0 && r.Rollout.Temperature <= maxScalar, "a number in (0, 100]")
	d.number("rollout.top_p", r.Rollout.TopP, r.Rollout.TopP > 0 && r.Rollout.TopP <= 1, "a number in (0, 1]")
}

// checkUpdates checks how a rollout is learned from.
func (d *decoder) checkUpdates(r *Recipe) {
	if r.needs().Labelled() {
		for _, key := range []string{"batch_size", "epochs"} {
			if d.given("train." + key) {
				d.refuse("train."+key, "train.%s has no meaning under %s with labels from rollouts, which it learns from once", key, r.Algo.Kind)
			}
		}
		return
	}
	prompts, batch := r.Rollout.PromptsPerStep, r.Train.BatchSize
	if d.given("train.batch_size") && prompts > 0 && (batch < 1 || prompts%batch != 0) {
		d.refuse("train.batch_size", "train.batch_size is %d, want a divisor of the %d prompts of a rollout (rollout.prompts_per_step): an update learns from so many", batch, prompts)
	}
}
