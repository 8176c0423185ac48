package cmd

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/train/forecast"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/burnish-rl/burnish/train/schedule"
	"github.com/urfave/cli/v2"
)

func forecastCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "forecast", Usage: "what the rest of a supervised run will bring, and what other decays of the rate would",
		UsageText: "burnish forecast RUN... [--steps N] [--from N]",
		Description: "Fits L = L0 + A·S1^-alpha - C·S2 (S1 the sum of the rates, S2 how much they were annealed; arXiv:2408.11029) to the losses in\n" +
			"metrics.jsonl of one run, or better of several that differ in their schedule alone, and predicts how the first would end. Of a run\n" +
			"that is over, it says what other decays of the whole run would have given. The law holds for one model, data set, batch and peak; a\n" +
			"rate that never fell tells nothing of decays. held_out is the mean residual of log loss over the last quarter of each run, under a\n" +
			"law fitted to the rest. Not for runs that learn from rewards: their loss is no measure of progress.\n\n" +
			"Examples:\n  burnish forecast runs/a\n  burnish forecast runs/constant runs/cosine --steps 2000\n  burnish forecast runs/a --from 300 --json",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "steps", Usage: "`N` steps that the run would have in all; without it the recipe's"},
			&cli.IntFlag{Name: "from", Usage: "`N` step after which the decays begin; without it the last one, or 0 of a run that is over"},
		},
		Action: func(c *cli.Context) error { return forecastRun(t, c) },
	}
}

func forecastRun(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, math.MaxInt); err != nil {
		return err
	}
	for _, flag := range []string{"steps", "from"} {
		if err := wantAtLeast(c, flag, 0); err != nil {
			return err
		}
	}
	var runs []forecast.Run
	var first *recipes.Recipe
	for _, dir := range c.Args().Slice() {
		recipe, r, err := openForecast(dir)
		if err != nil {
			return err
		}
		if first == nil {
			first = recipe
		}
		runs = append(runs, r)
	}
	q, err := forecast.FitRuns(runs...)
	if err != nil {
		return fmt.Errorf("forecast: %w", err)
	}
	done, steps := len(runs[0].Rates), c.Int("steps")
	if steps == 0 {
		steps = max(first.Train.Steps, done) // epochs: the steps done, unless told
	}
	from := done
	if steps <= done {
		from = 0
	}
	if c.IsSet("from") {
		from = c.Int("from")
	}
	if from > done || from >= steps {
		return usagef("", fmt.Sprintf("--from %d, want at most the %d steps done and less than the %d in all", from, done, steps))
	}
	if warm := forecast.Warmup(runs[0].Rates); steps <= warm+1 {
		return usagef("", fmt.Sprintf("--steps %d, want more than the warm-up's %d", steps, warm))
	}
	t.law(q, len(runs), runs[0], done, steps)
	if !q.Annealed {
		t.note("the rates never fell, so nothing is known of annealing: add a run whose rate did")
		return nil
	}
	switch {
	case q.C == 0:
		t.note("these losses show no effect of annealing, so decays are not compared: add a run with another schedule")
		return nil
	case len(runs) == 1:
		t.note("one run: its decay and its length can hardly be told apart; a second run with another schedule makes the law sharper")
	}
	t.decays(first, q, runs[0], from, steps)
	return nil
}

// openForecast reads a run, and its recipe for what remains.
func openForecast(dir string) (*recipes.Recipe, forecast.Run, error) {
	if !run.IsRun(dir) {
		return nil, forecast.Run{}, hinted{fmt.Errorf("%s: no %s in it, so it is not a run folder", dir, run.RecipeFile), "give a folder such as runs/NAME-TIME"}
	}
	recipe, err := recipes.LoadRate(filepath.Join(dir, run.RecipeFile))
	if err != nil {
		return nil, forecast.Run{}, err
	}
	if !recipe.Algo.Options.Needs().Demonstrations {
		return nil, forecast.Run{}, fmt.Errorf("forecast: %s: found a run of %s, want one that learns from demonstrations: the law is about a supervised loss", dir, recipe.Algo.Kind)
	}
	r, err := forecast.Read(dir)
	if err != nil {
		return nil, r, fmt.Errorf("forecast: %w", err)
	}
	return recipe, r, nil
}

// law prints how well the law fits.
func (t *term) law(q forecast.Quality, runs int, r forecast.Run, done, steps int) {
	c := any(q.C)
	if !q.Annealed {
		c = nil
	}
	rows := []field{{"runs", runs}, {"losses", q.N}, {"steps_done", done}, {"steps", steps}, {"peak_lr", r.Peak()},
		{"l0", q.L0}, {"a", q.A}, {"alpha", q.Alpha}, {"c", c},
		{"r2", number(q.R2)}, {"residual_rms", q.RMS}, {"residual_largest", q.Largest}, {"held_out", number(q.HeldOut)}}
	if t.json {
		t.object(append([]field{{"kind", "law"}}, rows...))
		return
	}
	t.fields(rows)
	t.print("\n")
}

// decays prints how the run would end by each way from a step on, the recipe's own first.
func (t *term) decays(recipe *recipes.Recipe, q forecast.Quality, r forecast.Run, from, steps int) {
	var rows [][]field
	add := func(name string, rates []float64) {
		row := []field{{"decay", name}, {"from", from}, {"steps", len(rates)}, {"last_lr", rates[len(rates)-1]}, {"loss", q.End(rates)}}
		if t.json {
			row = append([]field{{"kind", "decay"}}, row...)
		}
		rows = append(rows, row)
	}
	done := len(r.Rates)
	switch info, _ := schedule.Lookup(recipe.Schedule.Kind); {
	case steps <= done:
		add("as it was: "+recipe.Schedule.Kind, r.Rates[:steps])
	case info.Observes != "" || recipe.Train.Steps == 0 && steps == done:
		t.note("the recipe's own %s depends on %s", info.Name, info.Observes)
	default:
		if planned, err := recipe.Rates(steps, 0); err == nil {
			add("as planned: "+recipe.Schedule.Kind, slices.Concat(r.Rates, planned[done:]))
		}
	}
	for _, d := range forecast.Decays() {
		add(d.Name, r.GoOn(from, steps, d))
	}
	if now := from + max(from/10, 1); from == done && now < steps { // what a model to be used now would have
		add("linear to 0 from here, a tenth more steps", r.GoOn(from, now, forecast.Decays()[1]))
	}
	t.records(rows)
}
