package bench

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

const tinyVariance = `
kind: variance
title: tiny
recipe: tiny.yaml
set: {optim.lr: 2e-3}
at: [0, 2]
prompts: 3
completions: 8
groups: 100
sizes: [2, 4]
seed: 3
`

const tinyRecipe = `
model: {from: builtin:tiny}
env: {kind: arith-json}
rollout: {prompts_per_step: 2, samples_per_prompt: 4, max_tokens: 20}
rewards: [{kind: json-valid}, {kind: length, lo: 2, hi: 6, cap: 24}]
algo: {kind: grpo}
optim: {kind: adamw, lr: 1e-3}
train: {steps: 20}
`

func tinyExperiment(t *testing.T, text string) (VarianceFile, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tiny.yaml"), []byte(tinyRecipe), 0o600); err != nil {
		t.Fatal(err)
	}
	return ParseVariance(filepath.Join(dir, "v.yaml"), []byte(text))
}

// TestVarianceOfATinyModel: gradients of rows agree with the exact row norms, the sample's own reward has no variance and all
// of the bias, and what is written is read back as the same table.
func TestVarianceOfATinyModel(t *testing.T) {
	f, err := tinyExperiment(t, tinyVariance)
	if err != nil {
		t.Fatal(err)
	}
	v := &Variance{VarianceFile: f, Backend: cpu.New(2)}
	points, err := v.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r := v.Results(points, "test")
	if len(r.Points) != 2 || r.Points[1].Step != 2 {
		t.Fatalf("%+v", r.Points)
	}
	own, mean := slices.Index(r.Estimators, OwnReward), slices.Index(r.Estimators, "mean")
	for _, p := range r.Points {
		if !(p.Gap < 1e-5) {
			t.Errorf("step %d: diag K is the row norms to %v, want 1e-5", p.Step, p.Gap)
		}
		if p.Prompts == 0 {
			t.Fatalf("step %d: no prompt has a gradient", p.Step)
		}
		for _, s := range p.Sizes {
			c := s.Cells[own]
			if c.Pooled != 0 || math.Abs(float64(c.Bias)-1) > 1e-9 || c.Along != 0 {
				t.Errorf("step %d, G %d: own reward: variance %v, bias %v, along g %v, want 0, 1, 0", p.Step, s.Size, c.Pooled, c.Bias, c.Along)
			}
			g := float64(s.Size)
			if got := float64(s.Cells[mean].Pooled); math.Abs(got-(g-1)*(g-1)/g/g) > 1e-9 {
				t.Errorf("step %d, G %d: the mean's variance is %v of RLOO's, want ((G-1)/G)²", p.Step, s.Size, got)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "r.json")
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	again, err := ReadVariance(path)
	if err != nil || again.Table() != r.Table() || !strings.Contains(r.Table(), "After step 2") {
		t.Errorf("read back (%v):\n%s\nwant\n%s", err, again.Table(), r.Table())
	}
}

func TestVarianceFileIsStrict(t *testing.T) {
	for from, c := range map[string][2]string{
		"prompts: 3":           {"prompt: 3", `unknown key "prompt" in the experiment; did you mean "prompts"?`},
		"at: [0, 2]":           {"at: [0, 21]", "v.yaml:6:5: step 21, and the recipe has 20"},
		"sizes: [2, 4]":        {"sizes: [2, 1]", "v.yaml:10:12: a group of 1, want 2 to 4096"},
		"kind: variance":       {"kind: sweep", `v.yaml:2:7: unknown kind of experiment "sweep"`},
		"{optim.lr: 2e-3}":     {"{optim.lr: fast}", `v.yaml:5:17: optim.lr is "fast", want a finite number`},
		"recipe: tiny.yaml":    {"recipe: sft.yaml", "no such file"},
		"title: tiny":          {"question: x", "title is missing"},
		"completions: 8":       {"completions: eight", `v.yaml:8:14: completions is "eight", want a whole number`},
		"{optim.lr: 2e-3}\nat": {"{optim.rl: 2e-3}\nat", `unknown key "rl" in optim`},
	} {
		_, err := tinyExperiment(t, strings.Replace(tinyVariance, from, c[0], 1))
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: error %v, want %q", c[0], err, c[1])
		}
	}
}

func TestOwnExperimentIsWhole(t *testing.T) {
	const path = "../../bench/experiments/1-variance.yaml"
	if _, err := LoadVariance(path); err != nil {
		t.Error(err)
	}
	s, err := VarianceSection(path)
	if err != nil || !strings.Contains(s.Results, "After step 200") {
		t.Errorf("its published results: %v, %q", err, s.Results)
	}
}

func TestGradientsMustFit(t *testing.T) {
	if err := gradientsFit(64, 800_000, 1e9); err != nil {
		t.Error(err)
	}
	err := gradientsFit(64, 135_000_000, 16e9)
	if err == nil || !strings.Contains(err.Error(), "take 34560 MB, and 16000 MB are free") {
		t.Errorf("64 gradients of SmolLM2: error %v", err)
	}
}
