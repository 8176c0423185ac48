package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/train/schedule"
	"github.com/urfave/cli/v2"
)

// stepsUnknown is what a run of whole epochs is drawn with: its data say how many steps it has.
const stepsUnknown = 1000

// plotRate draws what a recipe's learning rate will be.
func plotRate(t *term, c *cli.Context, name string) error {
	r, err := recipes.LoadRate(name, c.StringSlice("set")...)
	if err != nil {
		return err
	}
	if c.IsSet("tokens") && c.Int64("tokens") < 1 {
		return usagef("", fmt.Sprintf("--tokens %d, want 1 or more", c.Int64("tokens")))
	}
	steps, tokens := r.Train.Steps, c.Int64("tokens")
	if steps == 0 {
		steps = stepsUnknown
	}
	if tokens == 0 {
		tokens = mostTokens(r)
	}
	rates, err := r.Rates(steps, tokens)
	if err != nil {
		return err
	}
	if t.json {
		for i, rate := range rates {
			t.object([]field{{"step", i + 1}, {"lr", rate}})
		}
		return nil
	}
	product := "base " + short(r.Optim.LR)
	if reduction := r.Optim.LRReduction; reduction != 0 && reduction != 1 {
		product += fmt.Sprintf(" × reduction %s", short(reduction))
	}
	product += " × " + r.Schedule.Kind
	if options := scheduleOptions(r); options != "" {
		product += " (" + options + ")"
	}
	t.print(fmt.Sprintf("%s: learning rate = %s\n\n", r.Name, product))
	width, _ := t.size()
	t.print(plot(rates, width))
	many, err := r.Rates(steps, 1<<32)
	if err != nil {
		return err
	}
	for _, line := range assumptions(r, tokens, !slices.Equal(rates, many)) {
		t.print(line + "\n")
	}
	return nil
}

// assumptions says what the picture can't know.
func assumptions(r *recipes.Recipe, tokens int64, tokensMatter bool) (out []string) {
	if r.Train.Steps == 0 {
		out = append(out, fmt.Sprintf("the number of steps depends on the data; drawn with %d", stepsUnknown))
	}
	switch info, _ := schedule.Lookup(r.Schedule.Kind); {
	case info.Observes == "":
	case tokensMatter:
		out = append(out, fmt.Sprintf("%s depends on %s; drawn with %d tokens a step (--tokens)", info.Name, info.Observes, tokens))
	default:
		out = append(out, fmt.Sprintf("%s depends on %s, which the run will see; drawn as it is until then", info.Name, info.Observes))
	}
	return out
}

// mostTokens is the most that a step can train.
func mostTokens(r *recipes.Recipe) int64 {
	rows := r.Rollout.PromptsPerStep * r.Rollout.SamplesPerPrompt
	if rows == 0 { // no rollouts
		rows = r.Train.BatchSize
	} else {
		rows *= max(r.Train.Epochs, 1)
	}
	return int64(rows) * int64(r.Rollout.MaxTokens)
}

// scheduleOptions are the options of the rule, in a line.
func scheduleOptions(r *recipes.Recipe) string {
	var out []string
	for _, o := range recipes.OptionsOf(r.Schedule.Options) {
		out = append(out, o.Key+" "+o.Default)
	}
	return strings.Join(out, ", ")
}
