// Package recipes turns a strict YAML file into a checked [Recipe]. It describes and checks only: nothing is opened
// or built here. Start with [Load].
//
// An unknown key, a wrong type or an impossible value is a [Problem] with file, line and column, and all of them are
// reported at once. Options of plug-ins are decoded into the plug-ins' own structs.
package recipes

//go:generate go run ./internal/fielddocs

import (
	"time"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/policy/adapter"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/schedule"
)

// Recipe is a run as the user wants it, with every default filled in.
type Recipe struct {
	Name     string // of the file without its folder and ending, or of the builtin recipe
	Model    Model
	Adapter  Adapter
	Env      Choice[envs.Options]
	Sampler  Choice[sampler.Options]
	EvalEnv  Choice[envs.Options] // Kind is "" when evaluation uses the env's own held-out tasks
	Rollout  Rollout
	Rewards  []Reward // none where nothing is judged
	Labels   Labels   // From is "" under other algorithms
	Algo     Choice[algos.Options]
	Optim    Optim
	Schedule Choice[schedule.Options]
	Train    Train
}

// Choice is a plug-in by name with its options.
type Choice[T any] struct {
	Kind    string
	Options T
}

// Model says which weights to start from.
type Model struct {
	From      string      `yaml:"from"`                // builtin:tiny, a folder, a .gguf or .safetensors file, or new; required
	Config    ModelConfig `yaml:"config,omitempty"`    // with from new: path of a config.json, or its keys
	Tokenizer string      `yaml:"tokenizer,omitempty"` // with from new: builtin:tiny, or path of a tokenizer.json or its folder
	Precision string      `yaml:"precision"`           // f32, or bf16: half the memory of activations, cache and frozen weights
}

// Adapter says what is trained: all weights, or small matrices beside them.
type Adapter struct {
	Kind string       // none: train all weights; lora: low-rank matrices beside them
	LoRA adapter.LoRA // of kind lora
}

// Rollout says how completions are sampled. Without rollouts, as under sft, only max_tokens and stop apply, to evaluation.
type Rollout struct {
	PromptsPerStep   int      `yaml:"prompts_per_step,omitempty"`   // tasks a step; default 8
	SamplesPerPrompt int      `yaml:"samples_per_prompt,omitempty"` // completions a task, at least 2; default 8
	Temperature      float64  `yaml:"temperature,omitempty"`        // logits are divided by it; in (0, 100], default 1
	TopK             int      `yaml:"top_k,omitempty"`              // keep the k likeliest tokens; 0, the default, is off
	TopP             float64  `yaml:"top_p,omitempty"`              // keep the likeliest tokens up to this share; in (0, 1], default 1: off
	MinP             float64  `yaml:"min_p,omitempty"`              // drop tokens below this share of the likeliest; in [0, 1), default 0: off
	MaxTokens        int      `yaml:"max_tokens"`                   // tokens of a completion at most; default 256
	Stop             []string `yaml:"stop,omitempty"`               // strings that end a completion; the text ends before them
}

// Reward is one judge. Exactly one of Kind, File and Command is set.
type Reward struct {
	Kind    string          `yaml:"kind,omitempty"`    // a registered reward
	File    string          `yaml:"file,omitempty"`    // a .go file, compiled once and run in a child process
	Command []string        `yaml:"command,omitempty"` // a program that speaks JSON lines, and its arguments
	Weight  Weight          `yaml:"weight"`            // factor of its score in the sum, default 1; or factors of named parts of it, such as {types: 0.3, order: 0.7}, whose sum then stands for the score
	Timeout time.Duration   `yaml:"timeout,omitempty"` // file and command: a completion's deadline, such as 10s (the default)
	Options rewards.Options `yaml:"-"`                 // of a registered reward, else nil
}

// Labels says where algorithms of labelled answers (dpo, kto, sami and their like) have them from.
type Labels struct {
	From       string   `yaml:"from"`       // data: answers that come with the tasks; rollouts: the policy's own, anew each step; default data
	Gap        float64  `yaml:"gap"`        // pairs from rollouts: a prompt's best sample is chosen and its worst rejected if their rewards are so far apart; > 0, default 0.1
	Threshold  float64  `yaml:"threshold"`  // single answers from rollouts: desirable from this reward on; default 0.5
	Principles []string `yaml:"principles"` // sami: instructions, at least 2, each a system message under which an answer is written or sampled
}

// Optim says how gradients change the weights.
type Optim struct {
	Kind        string        `yaml:"kind"`                   // an optimizer; default adamw
	LR          float64       `yaml:"lr"`                     // base learning rate, the peak of most schedules; in (0, 100], required
	LRReduction float64       `yaml:"lr_reduction,omitempty"` // sft: factor on the whole rate, in place of the KL term that SFT as reward learning lacks (arXiv:2507.00018; 0.25 is a start); in (0, 1], default 1
	Clip        float64       `yaml:"clip"`                   // largest global gradient norm, 0 is off; default 1
	Options     optim.Options `yaml:"-"`
}

// Train says how long, and what is measured and kept on the way.
type Train struct {
	Steps            int     `yaml:"steps,omitempty"`      // how often new data are drawn and learned from
	Epochs           int     `yaml:"epochs,omitempty"`     // without rollouts, instead of steps: passes over the tasks; with: passes over each rollout, default 1
	BatchSize        int     `yaml:"batch_size,omitempty"` // without rollouts: demonstrations, pairs or labelled answers a step, default 8; with: prompts of a rollout that one update learns from, default all
	Seed             uint64  `yaml:"seed"`                 // of every random draw; default 1
	EvalEvery        int     `yaml:"eval_every"`           // steps between evaluations; 0, the default: only before and after
	EvalLimit        int     `yaml:"eval_limit"`           // held-out tasks of an evaluation, 0: no evaluation; default 100
	EvalTemperature  float64 `yaml:"eval_temperature"`     // of evaluation; 0, the default, is greedy
	CheckpointEvery  int     `yaml:"checkpoint_every"`     // steps between checkpoints; 0, the default: only at the end
	CheckpointKeep   int     `yaml:"checkpoint_keep"`      // newest checkpoints kept beside the best; default 2
	Memory           string  `yaml:"memory"`               // what the run may take, such as 4GB or 1.5GB; auto, the default: four fifths of what is free
	MicroBatchTokens int     `yaml:"micro_batch_tokens"`   // tokens of a micro-batch at most; 0, the default: from the memory plan
	KeptLayers       int     `yaml:"kept_layers"`          // layers whose activations wait for the backward pass, the others are run again; 0, the default: from the memory plan
	RecordedLayers   int     `yaml:"recorded_layers"`      // layers whose activations a rollout leaves for the update, which then has no forward pass; -1, the default: from the memory plan; 0: none
	MaxRunning       int     `yaml:"max_running"`          // completions sampled at the same time at most; 0, the default: from the memory plan
}
