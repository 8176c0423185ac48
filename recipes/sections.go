package recipes

import "go.yaml.in/yaml/v4"

// The sections as they stand in the file. A section that is a plug-in has the plug-in's keys beside these.
type (
	fileKeys struct {
		Model   *yaml.Node `yaml:"model"`              // where the weights come from
		Env     *yaml.Node `yaml:"env"`                // the tasks
		EvalEnv *yaml.Node `yaml:"eval_env,omitempty"` // tasks for evaluation; default the env's own held-out tasks
		Rollout *yaml.Node `yaml:"rollout"`            // how completions are sampled
		Rewards *yaml.Node `yaml:"rewards,omitempty"`  // the judges, a list
		Labels  *yaml.Node `yaml:"labels,omitempty"`   // where dpo, kto, sami and their like have answers from
		Algo    *yaml.Node `yaml:"algo"`               // what is learnt from the scores
		Optim   *yaml.Node `yaml:"optim"`              // how gradients change the weights
		Train   *yaml.Node `yaml:"train"`              // how long, and what is kept
	}
	modelKeys struct {
		Adapter *yaml.Node `yaml:"adapter"` // what is trained
	}
	envKeys struct {
		Sampler *yaml.Node `yaml:"sampler"` // which tasks come next; default uniform
	}
	optimKeys struct {
		Schedule *yaml.Node `yaml:"schedule"` // factor on the rate over the run; default constant
	}
)

// sectionOrder lists the sections whose keys are fixed, for hints about misplaced keys.
var sectionOrder = []string{"", "model", "model.adapter", "env", "rollout", "labels", "optim", "train"}

// sectionKeys are the keys of those sections that do not come from plug-ins.
var sectionKeys = func() map[string][]string {
	out := map[string][]string{}
	for section, targets := range map[string][]any{
		"":              {&fileKeys{}},
		"model":         {&Model{}, &modelKeys{}},
		"model.adapter": {&loraDefaults},
		"env":           {&envKeys{}},
		"rollout":       {&Rollout{}},
		"labels":        {&Labels{}},
		"optim":         {&Optim{}, &optimKeys{}},
		"train":         {&Train{}},
	} {
		_, out[section] = fieldsOf(targets...)
	}
	for _, k := range out[""] {
		if out[k] == nil {
			out[k] = []string{}
		}
	}
	return out
}()
