package recipes

import (
	"os"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/train/schedule"
)

// TestLoadRate: a recipe without model and data has a rate, the same as the whole recipe's.
func TestLoadRate(t *testing.T) {
	for _, name := range Names() {
		part, err := LoadRate(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		whole := load(t, name)
		if part.Optim.LR != whole.Optim.LR || part.Optim.LRReduction != whole.Optim.LRReduction || part.Schedule.Kind != whole.Schedule.Kind ||
			part.Train != whole.Train || part.Name != name {
			t.Errorf("%s: %+v, want that of %+v", name, part, whole)
		}
	}
	for override, want := range map[string]string{
		"lr=0": "optim.lr is 0", "optim.schedule.kind=cosin": `unknown schedule "cosin"; did you mean "cosine"?`, "train.steps=0": "train.steps is 0",
		"optim.lr_reduction=0.5": "optim.lr_reduction has no meaning under grpo", "zzz=1": `unknown key "zzz"`,
	} {
		if _, err := LoadRate("gsm8k-json-grpo", override); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", override, err, want)
		}
	}
}

// TestReduction: under sft only, 1 unless given, in the effective recipe.
func TestReduction(t *testing.T) {
	if r := load(t, "builtin-sft"); r.Optim.LRReduction != 1 || !strings.Contains(string(r.YAML()), "lr_reduction: 1.0") {
		t.Errorf("reduction %v", r.Optim.LRReduction)
	}
	if r := load(t, "builtin-sft", "optim.lr_reduction=0.25"); r.Optim.LRReduction != 0.25 || r.Optim.LR != 3e-4 {
		t.Errorf("base %v, reduction %v", r.Optim.LR, r.Optim.LRReduction)
	}
	if r := load(t, "quickstart"); r.Optim.LRReduction != 0 || strings.Contains(string(r.YAML()), "lr_reduction") {
		t.Errorf("grpo has a reduction: %v", r.Optim.LRReduction)
	}
	for _, v := range []string{"0", "-1", "1.5", ".nan"} {
		if _, err := Load("builtin-sft", "optim.lr_reduction="+v); err == nil || !strings.Contains(err.Error(), "optim.lr_reduction") {
			t.Errorf("%s: error %v", v, err)
		}
	}
}

// TestEveryScheduleIsDocumented: docs/learning-rate.md has a line for each that reads as a recipe's optim section.
func TestEveryScheduleIsDocumented(t *testing.T) {
	data, err := os.ReadFile("../docs/learning-rate.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		optim, ok := strings.CutPrefix(line, "optim:")
		if !ok {
			continue
		}
		text := strings.Replace(good, "{lr: 1e-4}", strings.TrimSpace(optim), 1)
		if strings.Contains(line, "lr_reduction") {
			text = strings.Replace(text, "rewards: [{kind: answer}]\n", "", 1)
			text = strings.Replace(text, "grpo", "sft", 1)
		}
		r, err := Parse("learning-rate.md", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		shown[r.Schedule.Kind] = true
	}
	for _, i := range schedule.All() {
		if !shown[i.Name] {
			t.Errorf("no optim section shows schedule %s", i.Name)
		}
	}
}
