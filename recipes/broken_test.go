package recipes

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBroken: everything wrong with testdata/broken.yaml is told at once, in the order of the file, overrides last.
func TestBroken(t *testing.T) {
	data, err := os.ReadFile("testdata/broken.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("broken.yaml", data, "lr=abc", "rewards.9.weight=2", "steps", "train.checkpoint_keep=0")
	if err == nil {
		t.Fatal("accepted")
	}
	want := `broken.yaml:1:40: model.precision f16: not in this version, want f32 or bf16
broken.yaml:1:61: adapter "dora": not in this version, want one of none, lora
broken.yaml:2:13: unknown environment "aritjson"; did you mean "arith-json"?
broken.yaml:2:52: sampler "interleave": not in this version, want one of uniform, sequential, gain-rl, pass-rate, ascending, filtered
broken.yaml:3:29: rollout.prompts_per_step is "1.5", want a whole number
broken.yaml:3:54: rollout.samples_per_prompt is 1, want 2 to 1000000
broken.yaml:3:70: rollout.temperature is ".inf", want a finite number
broken.yaml:3:86: rollout.stop.1 is "5", want text: put it in quotes
broken.yaml:3:90: key "grammar" in rollout: not in this version
broken.yaml:5:12: unknown reward "answr"; did you mean "answer"?
broken.yaml:6:5: rewards.1 has file and command, want one of them
broken.yaml:7:29: rewards.2.timeout is "5", want a duration such as 10s
broken.yaml:8:28: rewards.3.weight is "two", want a finite number, or a mapping of parts to numbers
broken.yaml:9:30: algo: clip_low is 1.5, want a number in (0, 1)
broken.yaml:10:37: optim: beta1 is 2, want a number in [0, 1)
broken.yaml:10:50: optim.schedule is "linear", want a mapping such as {kind: constant}
broken.yaml:12:3: unknown key "stpes" in train; did you mean "steps"?
broken.yaml:13:10: train.steps is -3, want 1 to 100000000
broken.yaml:14:9: train.seed is "-1", want a whole number >= 0
broken.yaml:15:3: unknown key "lr" in train; it belongs in optim
broken.yaml:16:11: train.memory is "3 gigs", want auto or a size such as 4GB, 1.5GB or 800MB
broken.yaml:17:11: train.epochs is -2, want 1 to 1000000
broken.yaml:18:3: unknown key "zzz" in train, want one of steps, epochs, batch_size, seed, eval_every, eval_limit, ` +
		`eval_temperature, checkpoint_every, checkpoint_keep, memory, micro_batch_tokens, kept_layers, recorded_layers, max_running
--set rewards.9.weight=2: rewards.9: no such item, the list has 4
--set steps: want key=value, such as train.steps=20
--set lr=abc: optim.lr is "abc", want a finite number
--set train.checkpoint_keep=0: train.checkpoint_keep is 0, want 1 to 1000000`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
}

// good is a recipe without a fault; each line below breaks it in one place.
const good = `model: {from: builtin:tiny}
env: {kind: arith-json}
rewards: [{kind: answer}]
algo: {kind: grpo}
optim: {lr: 1e-4}
train: {steps: 5}
`

func TestOneProblem(t *testing.T) {
	if _, err := Parse("r.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	kinds := strings.Join(algoTable().names, ", ")
	for _, c := range []struct{ old, new, want string }{
		{"kind: grpo", "kind: ppo", `r.yaml:4:14: algorithm "ppo": not in this version: it needs a critic; grpo, rloo and reinforce_pp do without, want one of ` + kinds},
		{"kind: grpo", "kind: [grpo]", `r.yaml:4:14: algo.kind is a list, want one of ` + kinds},
		{"kind: grpo", "clip_low: 0.1", `r.yaml:4:7: algo has no kind, want one of ` + kinds},
		{"algo: {kind: grpo}\n", "", `r.yaml:1:1: algo is missing, want algorithm such as {kind: sft}`},
		{"kind: grpo", "kind: orpo, kl: 0.1}\nlabels: {from: rollouts", `r.yaml:4:20: unknown key "kl" in algo, want one of kind, lambda`},
		{"kind: grpo", "kind: grpo, kl: k1", `r.yaml:4:24: algo: kl is k1, want k2, k3 or k3_corrected: in the loss the gradient of k1 has mean zero, it belongs in the reward`},
		{"kind: grpo", "kind: grpo, scale_rewards: none", `r.yaml:4:20: key "scale_rewards" in algo: not in this version, see advantage`},
		{"kind: grpo", "kind: grpo, tau_pos: 1", `r.yaml:4:29: algo: tau_pos is 1, want it unset: objective clip does not read it`},
		{"kind: grpo", "kind: grpo, clip_low: .nan", `r.yaml:4:30: algo.clip_low is ".nan", want a finite number`},
		{"kind: grpo", "kind: grpo, reduce: batch", `r.yaml:4:28: algo: reduce is "batch", want one of token_mean, sequence_mean, sequence_sum, constant`},
		{"lr: 1e-4", "lr: 0", `r.yaml:5:13: optim.lr is 0, want a number in (0, 100]`},
		{"lr: 1e-4", "clip: 1", `r.yaml:5:8: optim.lr is missing, want the peak learning rate, such as 1e-5`},
		{"lr: 1e-4", "lr: 1e-4, schedule: {kind: inverse_sqrt}", `r.yaml:5:36: schedule "inverse_sqrt": not in this version, want one of constant, linear, cosine, wsd, infinite, rewarm, power, refined, replay, hypergradient`},
		{"lr: 1e-4", "lr: 1e-4, schedule: {kind: linear, warmup: 50}", `r.yaml:5:52: optim.schedule: warmup is 50, want a share in [0, 1)`},
		{"lr: 1e-4", "lr: 1e-4, schedule: {kind: wsd, warmup: 0.6, decay: 0.6}", `r.yaml:5:49: optim.schedule: warmup, decay are 1.2 together, want at most 1`},
		{"lr: 1e-4", "lr: 1e-4, schedule: {kind: rewarm, starts: [0.5, 0.2]}", `r.yaml:5:52: optim.schedule: starts are [0.5 0.2], want shares of all steps in (0, 1), each above the one before`},
		{"lr: 1e-4", "lr: 1e-4, schedule: {kind: refined}", `r.yaml:5:29: optim.schedule: from_run is missing, want the folder of a finished run`},
		{"lr: 1e-4", "lr: 1e-4, lr_reduction: 0.25", `r.yaml:5:33: optim.lr_reduction has no meaning under grpo: it stands for the KL term that SFT lacks`},
		{"kind: grpo", "kind: grpo, lr_reduction: 0.25", `r.yaml:4:20: unknown key "lr_reduction" in algo; it belongs in optim`},
		{"lr: 1e-4", "kind: muon, lr: 1e-4", `r.yaml:5:15: optimizer "muon": not in this version, want one of adamw, sgd`},
		{"steps: 5", "steps: 1.0", `r.yaml:6:16: train.steps is "1.0", want a whole number`},
		{"steps: 5", "steps: 99999999999999999999", `r.yaml:6:16: train.steps is "99999999999999999999", want a whole number`},
		{"steps: 5", "steps:", `r.yaml:6:15: train.steps is empty, want a whole number`},
		{"steps: 5", "steps: 5, steps: 6", `r.yaml:6:19: key "steps" is given twice, first in line 6`},
		{"steps: 5", "steps: 5, batch_size: 3", `r.yaml:6:31: train.batch_size is 3, want a divisor of the 8 prompts of a rollout (rollout.prompts_per_step): an update learns from so many`},
		{"steps: 5", "steps: 5, eval_temperature: -1", `r.yaml:6:37: train.eval_temperature is -1, want a number in [0, 100], 0 for greedy`},
		{"train: {steps: 5}", "train: [5]", `r.yaml:6:8: train is a list, want a mapping`},
		{"{kind: answer}", "", `r.yaml:3:10: rewards are missing, and grpo learns from them`},
		{"rewards: [{kind: answer}]\n", "", `r.yaml:1:1: rewards are missing, and grpo learns from them`},
		{"[{kind: answer}]", "{kind: answer}", `r.yaml:3:10: rewards is a mapping, want a list such as [{kind: json-valid}]`},
		{"{kind: answer}", "{file: x.go, timeout: 0s}", `r.yaml:3:33: rewards.0.timeout is 0s, want a duration above 0`},
		{"{kind: answer}", "{file: x.py}", `r.yaml:3:18: rewards.0.file is "x.py", want a .go file`},
		{"{kind: answer}", "{command: []}", `r.yaml:3:21: rewards.0.command is empty, want a program and its arguments`},
		{"{kind: answer}", "{weight: 1}", `r.yaml:3:11: rewards.0 has no kind, want kind, file or command`},
		{"{kind: answer}", "{kind: answer, wieght: 2}", `r.yaml:3:26: unknown key "wieght" in rewards.0; did you mean "weight"?`},
		{"from: builtin:tiny", "from: 5", `r.yaml:1:15: model.from is "5", want text: put it in quotes`},
		{"from: builtin:tiny", "form: builtin:tiny", `r.yaml:1:8: model.from is missing, want builtin:tiny, the path of a model, or new: --set model.from=PATH
r.yaml:1:9: unknown key "form" in model, want one of from, config, tokenizer, precision, adapter`},
		{"from: builtin:tiny", "from: builtin:tiny, config: c.json", `r.yaml:1:37: model.config is for model.from new: builtin:tiny brings its own`},
		{"from: builtin:tiny", "from: builtin:tiny, adapter: {kind: lora, rank: 0}", `r.yaml:1:57: model.adapter: lora: rank: 0, want 1 to 1024`},
		{"from: builtin:tiny", "from: new, config: c.json, tokenizer: builtin:tiny, adapter: {kind: lora}", `r.yaml:1:70: model.adapter is lora, want none: a new model is saved nowhere that its adapter could stand on`},
		{"from: builtin:tiny", "from: builtin:tiny, adapter: {rank: 4}", `r.yaml:1:38: model.adapter has no kind, want one of none, lora`},
		{"model:", "model: &m", `alias`},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		if c.want == "alias" {
			text = good + "rollout: *m\n"
			text = strings.Replace(text, "model:", "model: &m", 1)
			c.want = "r.yaml:7:10: alias *m: a recipe takes no anchors and aliases, write the value out"
		}
		_, err := Parse("r.yaml", []byte(text))
		if err == nil {
			t.Errorf("accepted, want %s", c.want)
		} else if err.Error() != c.want {
			t.Errorf("got  %s\nwant %s", err, c.want)
		}
	}
}

func TestSFTRefusesWhatItIgnores(t *testing.T) {
	text := strings.Replace(good, "kind: grpo", "kind: sft", 1) + "rollout: {prompts_per_step: 4, top_p: 0.9, max_tokens: 9}\n"
	_, err := Parse("r.yaml", []byte(text), "train.epochs=1")
	want := `r.yaml:3:10: rewards have no meaning under sft, which learns from demonstrations
r.yaml:7:29: rollout.prompts_per_step has no meaning under sft, which samples nothing while it trains; train.batch_size is the number of demonstrations a step
r.yaml:7:39: rollout.top_p has no meaning under sft, which samples nothing while it trains
--set train.epochs=1: train.epochs and train.steps are both given, want one of them`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestNotRecipes(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "r.yaml:1:1: recipe is empty, want a mapping with model, env, algo …",
		"- a\n":                           "r.yaml:1:1: recipe is a list, want a mapping",
		"a: [1,\n":                        "r.yaml:2:1: not YAML: ",
		"a: 1\n---\nb: 2\n":               "r.yaml:",
		"a: \xff\n":                       "r.yaml:1:",
		strings.Repeat("#", maxBytes+1):   "r.yaml:1:1: recipe has 1048577 bytes, want at most 1048576",
		"a: " + strings.Repeat("[", 5000): "r.yaml:2:1: not YAML: ",
	} {
		if _, err := Parse("r.yaml", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
}
