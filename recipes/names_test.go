package recipes

import (
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/train/schedule"
)

// wanted are the options without a default, by name: what cannot be guessed has to be written.
var wanted = map[string]string{
	"ascending": ", by: level",
	"refined":   ", from_run: runs/earlier",
	"replay":    ", from_run: runs/earlier",
}

// TestEveryNameHasARecipe writes a recipe with each algorithm, sampler and schedule, at the settings of its source, and reads back
// from the effective recipe what was written. Their vectors and examples are asked for where they are registered:
// algos (TestEveryNameHasLossVectors, TestEveryEstimatorHasVectorsAndAnExample), envs/sampler and train/schedule.
func TestEveryNameHasARecipe(t *testing.T) {
	for _, i := range algos.All() {
		t.Run("algo/"+i.Name, func(t *testing.T) {
			algo, n := "algo={kind: "+i.Name+"}", i.New().Needs()
			var r *Recipe
			switch {
			case n.Demonstrations:
				r = load(t, "builtin-sft", algo)
			case n.Principles:
				r = reading(t, "model: {from: builtin:tiny}\nenv: {kind: arith-json}\nlabels: {from: rollouts, principles: [be brief, be kind]}\n"+
					"algo: {kind: "+i.Name+"}\noptim: {lr: 1e-4}\ntrain: {steps: 1}\n")
			case n.Labelled():
				r = load(t, "quickstart", algo, "labels={from: rollouts}")
			default:
				r = load(t, "quickstart", algo)
			}
			if r = reading(t, string(r.YAML())); r.Algo.Kind != i.Name {
				t.Errorf("the recipe has %s", r.Algo.Kind)
			}
		})
	}
	for _, i := range sampler.All() {
		t.Run("sampler/"+i.Name, func(t *testing.T) {
			if r := reading(t, string(load(t, "quickstart", "env.sampler={kind: "+i.Name+wanted[i.Name]+"}").YAML())); r.Sampler.Kind != i.Name {
				t.Errorf("the recipe has %s", r.Sampler.Kind)
			}
		})
	}
	for _, i := range schedule.All() {
		t.Run("schedule/"+i.Name, func(t *testing.T) {
			if r := reading(t, string(load(t, "quickstart", "optim.schedule={kind: "+i.Name+wanted[i.Name]+"}").YAML())); r.Schedule.Kind != i.Name {
				t.Errorf("the recipe has %s", r.Schedule.Kind)
			}
		})
	}
}

func reading(t *testing.T, text string) *Recipe {
	t.Helper()
	r, err := Parse("recipe.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}
