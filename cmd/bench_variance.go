package cmd

import (
	"path/filepath"
	"strings"

	"github.com/burnish-rl/burnish/internal/bench"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/urfave/cli/v2"
)

func benchVariance(t *term) *cli.Command {
	return &cli.Command{
		Name: "variance", Usage: "how much the gradient scatters under each baseline",
		UsageText: "burnish bench variance FILE [--out FILE.json] [--precision P]",
		Description: "FILE is an experiment of kind variance: a recipe's policy answers prompts many times over at some of its steps, the gradient\n" +
			"of every completion is kept (memory: completions × trained parameters × 4 bytes), and groups are drawn from them.\n\nExamples:\n" +
			"  burnish bench variance bench/experiments/1-variance.yaml\n" +
			"  burnish bench variance bench/experiments/1-variance.yaml --out bench/experiments/results/1-variance.json",
		Flags: []cli.Flag{
			precisionFlag,
			&cli.StringFlag{Name: "out", Usage: "`FILE.json` write the results, and the table beside them as .md"},
		},
		Action: func(c *cli.Context) error { return variance(t, c) },
	}
}

func variance(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, 1); err != nil {
		return err
	}
	f, err := bench.LoadVariance(c.Args().First())
	if err != nil {
		return err
	}
	b, err := t.backendOf(c)
	if err != nil {
		return err
	}
	v := &bench.Variance{VarianceFile: f, Backend: b, Tell: func(step, done, total int) {
		if done%10 == 0 || done == total {
			t.note("step %d: %d of %d prompts", step, done, total)
		}
	}}
	points, err := v.Run(c.Context)
	if err != nil {
		return err
	}
	r := v.Results(points, Version)
	if out := c.String("out"); out != "" {
		if err := r.Write(out); err != nil {
			return err
		}
		if err := run.Replace(strings.TrimSuffix(out, filepath.Ext(out))+".md", []byte(r.Table())); err != nil {
			return err
		}
	}
	if !t.json {
		t.print(r.Table())
		return nil
	}
	for _, p := range r.Points {
		for _, s := range p.Sizes {
			for e, x := range s.Cells {
				t.object([]field{{"step", p.Step}, {"size", s.Size}, {"baseline", r.Estimators[e]}, {"ratio", x.Ratio}, {"low", x.Low}, {"high", x.High},
					{"holm", x.Holm}, {"detectable", x.Detectable}, {"pooled", x.Pooled}, {"along", x.Along}, {"bias", x.Bias}, {"bias_shown", x.BiasShown}})
			}
		}
	}
	return nil
}
