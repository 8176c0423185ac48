package recipes

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/policy/adapter"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/schedule"
)

// loraDefaults are ours: PEFT's rank 8 with alpha 8 learns slower at the same rate.
var loraDefaults = adapter.LoRA{Rank: 16, Alpha: 32, Targets: []string{adapter.AllLinear}}

// The registries, as tables. They are made per call because a user's main may register more.
func algoTable() table {
	why := algos.Later()
	t := tableOf(algos.All(), func(i algos.Info) string { return i.Name }, func(i algos.Info) algos.Options { return i.New() },
		slices.Sorted(maps.Keys(why)))
	t.why = why
	return t
}

func envTable() table {
	return tableOf(envs.All(), func(i envs.Info) string { return i.Name }, func(i envs.Info) envs.Options { return i.New() }, laterKinds["env"])
}

func samplerTable() table {
	return tableOf(sampler.All(), func(i sampler.Info) string { return i.Name }, func(i sampler.Info) sampler.Options { return i.New() }, laterKinds["env.sampler"])
}

func optimTable() table {
	return tableOf(optim.All(), func(i optim.Info) string { return i.Name }, func(i optim.Info) optim.Options { return i.New() }, optim.Later())
}

func scheduleTable() table {
	return tableOf(schedule.All(), func(i schedule.Info) string { return i.Name }, func(i schedule.Info) schedule.Options { return i.New() }, schedule.Later())
}

// build makes the recipe from a tree, filling in defaults. The algorithm comes first: it decides which keys make
// sense and what their defaults are.
func (d *decoder) build() *Recipe {
	r := &Recipe{Name: d.tree.name}
	var file fileKeys
	d.mapping(d.root, "", &file)

	r.Algo = d.algo(file.Algo)
	r.Model, r.Adapter = d.model(file.Model)
	var env envKeys
	r.Env = choose[envs.Options](d, file.Env, "env", "environment", "", envTable(), &env)
	r.Sampler = choose[sampler.Options](d, env.Sampler, "env.sampler", "sampler", "uniform", samplerTable(), nil)
	if !isNull(file.EvalEnv) {
		r.EvalEnv = choose[envs.Options](d, file.EvalEnv, "eval_env", "environment", "", envTable(), nil)
	}
	d.rateSections(r, file)
	r.Rewards = d.rewards(file.Rewards)
	d.checkAll(r)
	return r
}

func (d *decoder) algo(n *yaml.Node) Choice[algos.Options] {
	return choose[algos.Options](d, n, "algo", "algorithm", "", algoTable(), nil)
}

// rateSections fills in what the learning rate is made of: the optimizer and its schedule, how long and how much. The
// algorithm stands already; with labels it says whether there are rollouts.
func (d *decoder) rateSections(r *Recipe, file fileKeys) {
	r.Optim, r.Schedule = d.optim(file.Optim)
	d.labels(r, file.Labels)
	r.Rollout = Rollout{MaxTokens: 256}
	r.Train = Train{Seed: 1, EvalLimit: 100, CheckpointKeep: 2, Memory: autoMemory, RecordedLayers: -1}
	if r.demonstrations() && !d.given("optim.lr_reduction") {
		r.Optim.LRReduction = 1
	}
	if r.sampled() {
		r.Rollout.PromptsPerStep = 8
		if !r.needs().Principles {
			r.Rollout.SamplesPerPrompt = 8
		}
		r.Rollout.Temperature, r.Rollout.TopP = 1, 1
	} else {
		r.Train.BatchSize = 8
	}
	d.mapping(file.Rollout, "rollout", &r.Rollout)
	d.mapping(file.Train, "train", &r.Train)
}

func (d *decoder) model(n *yaml.Node) (Model, Adapter) {
	m, a := Model{Precision: "f32"}, Adapter{Kind: "none"}
	var keys modelKeys
	d.mapping(n, "model", &m, &keys)
	kinds := table{names: []string{"none", "lora"}, later: laterKinds["adapter"]}
	fallback := "none"
	if !isNull(keys.Adapter) {
		fallback = "" // rank without a kind would be ignored
	}
	switch kind := d.kind(keys.Adapter, "model.adapter", "adapter", fallback, kinds); kind {
	case "lora":
		a = Adapter{kind, loraDefaults}
		d.mapping(keys.Adapter, "model.adapter", &kindKey{}, &a.LoRA)
		d.check(keys.Adapter, "model.adapter", a.LoRA)
	case "none":
		d.mapping(keys.Adapter, "model.adapter", &kindKey{})
	}
	return m, a
}

func (d *decoder) optim(n *yaml.Node) (Optim, Choice[schedule.Options]) {
	common := struct {
		LR          float64    `yaml:"lr"`
		LRReduction float64    `yaml:"lr_reduction"`
		Clip        float64    `yaml:"clip"`
		Schedule    *yaml.Node `yaml:"schedule"`
	}{Clip: 1}
	c := choose[optim.Options](d, n, "optim", "optimizer", "adamw", optimTable(), &common)
	s := choose[schedule.Options](d, common.Schedule, "optim.schedule", "schedule", "constant", scheduleTable(), nil)
	return Optim{Kind: c.Kind, LR: common.LR, LRReduction: common.LRReduction, Clip: common.Clip, Options: c.Options}, s
}

// baseName is a recipe's name: the file's without folder and ending.
func baseName(file string) string {
	name := file[strings.LastIndexAny(file, `/\`)+1:]
	return strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".yml")
}
