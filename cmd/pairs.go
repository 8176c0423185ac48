package cmd

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/urfave/cli/v2"
)

func pairsCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "pairs", Usage: "preference data from a run's completions and their rewards",
		UsageText: "burnish pairs RUN --out DIR [--gap G | --threshold R]",
		Description: "Of each prompt of each step the best completion against the worst, if their rewards are far enough apart; with --threshold\n" +
			"every completion with a label. DIR gets train.jsonl and test.jsonl (the tasks whose index ends in 9) in the model's tokens, for\n" +
			"recipes such as dpo-file and kto-file.\n\nExamples:\n" +
			"  burnish pairs runs/quickstart-20260101-120000 --out pairs --gap 0.2\n" +
			"  burnish pairs runs/a --out labels --threshold 0.5",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "`DIR` new folder to write"},
			&cli.Float64Flag{Name: "gap", Usage: "`G` least difference of the rewards of a pair", Value: 0.1},
			&cli.Float64Flag{Name: "threshold", Usage: "`R` labels instead of pairs: a completion is good from this reward on"},
		},
		Action: func(c *cli.Context) error { return writePairs(t, c) },
	}
}

func writePairs(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, 1); err != nil {
		return err
	}
	dir, out, gap := c.Args().First(), c.String("out"), c.Float64("gap")
	switch {
	case out == "":
		return usagef("for example --out pairs", "--out is missing")
	case c.IsSet("gap") && c.IsSet("threshold"):
		return usagef("--gap makes pairs, --threshold labels", "--gap and --threshold are both given, want one of them")
	case !(gap > 0) || math.IsInf(gap, 0):
		return usagef("equal rewards say nothing", fmt.Sprintf("--gap is %v, want a number > 0", gap))
	case !run.IsRun(dir):
		return usagef("a run folder holds "+run.RecipeFile, dir+" is not a run folder")
	}
	columns := "prompt_ids: prompt_ids, chosen: chosen_ids, rejected: rejected_ids"
	if c.IsSet("threshold") {
		gap, columns = 0, "prompt_ids: prompt_ids, completion_ids: completion_ids, label: label"
	}
	n, err := train.LabelRun(dir, out, gap, c.Float64("threshold"))
	if err != nil {
		return err
	}
	t.fields([]field{{"prompts", n.Prompts}, {"train_rows", n.Train}, {"test_rows", n.Test}})
	t.note("to train on it: --set 'env={kind: jsonl, path: %s, %s}'", out, columns)
	if n.Train == 0 {
		t.note("nothing to train on: are the rewards all alike?")
	}
	return nil
}
