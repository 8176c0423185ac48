package cmd

import (
	"github.com/burnish-rl/burnish/internal/bench"
	"github.com/urfave/cli/v2"
)

// recipeFlags are those of verbs that measure steps of a recipe.
func recipeFlags(repeats int) []cli.Flag {
	return []cli.Flag{
		benchModel, precisionFlag,
		&cli.StringFlag{Name: "adapter", Value: "none", Usage: "`KIND` none: all weights are trained; lora: small matrices beside them"},
		&cli.StringSliceFlag{Name: "set", Usage: "`K=V` more of the recipe, such as train.memory=4GB; may be given again"},
		repeatsFlag(repeats),
	}
}

func (t *term) recipeSpec(c *cli.Context) (bench.RecipeSpec, error) {
	b, err := t.backendOf(c)
	return bench.RecipeSpec{
		Backend: b, Model: c.String("model"), Precision: c.String("precision"), Adapter: c.String("adapter"),
		Set: c.StringSlice("set"), Repeats: c.Int("repeats"),
	}, err
}

func benchTrain(t *term) *cli.Command {
	return &cli.Command{
		Name: "train", Usage: "steps of supervised training on packed sequences",
		UsageText: "burnish bench train [--model M] [--batch N] [--length N] [--adapter KIND] [--precision P]",
		Description: "The steps are a recipe's own: forward, backward, clipping, AdamW; every token is trained. The forward pass is measured\n" +
			"once more alone, and backward is the rest." + benchAbout +
			"  burnish bench train\n  burnish bench train --model SmolLM2.gguf --batch 4 --length 512 --repeats 5 --json",
		Flags: append(recipeFlags(3),
			&cli.IntFlag{Name: "batch", Value: 4, Usage: "`N` sequences a step"},
			&cli.IntFlag{Name: "length", Value: 512, Usage: "`N` tokens of each"}),
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, 0, 0); err != nil {
				return err
			}
			if err := within(c, maxBenchRepeats, "repeats"); err != nil {
				return err
			}
			if err := within(c, maxBenchRows, "batch", "length"); err != nil {
				return err
			}
			spec, err := t.recipeSpec(c)
			if err != nil {
				return err
			}
			r, err := bench.Train(c.Context, bench.TrainSpec{RecipeSpec: spec, Batch: c.Int("batch"), Length: c.Int("length"), Split: true})
			if err != nil {
				return err
			}
			rows := append(t.stepHead(c), field{"batch", c.Int("batch")}, field{"length", c.Int("length")})
			rows = append(rows, spreadFields("tokens_per_second", r.Tokens)...)
			t.fields(append(rows, t.stepFields(c, r.StepResult, r.Flops)...))
			return c.Context.Err()
		},
	}
}

func benchGRPO(t *term) *cli.Command {
	return &cli.Command{
		Name: "grpo", Usage: "whole steps of GRPO, rollout to optimizer",
		UsageText: "burnish bench grpo [--model M] [--prompts N] [--samples N] [--prompt N] [--tokens N] [--precision P]",
		Description: "The steps are a recipe's own, with a reward that costs nothing; end tokens are ignored, so that every completion has its\n" +
			"full length." + benchAbout +
			"  burnish bench grpo\n  burnish bench grpo --model SmolLM2.gguf --prompts 4 --samples 8 --tokens 128 --json",
		Flags: append(recipeFlags(3),
			&cli.IntFlag{Name: "prompts", Value: 4, Usage: "`N` prompts a step"},
			&cli.IntFlag{Name: "samples", Value: 8, Usage: "`N` samples of each"},
			&cli.IntFlag{Name: "prompt", Value: 128, Usage: "`N` tokens of a prompt"},
			&cli.IntFlag{Name: "tokens", Value: 128, Usage: "`N` tokens of a sample"}),
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, 0, 0); err != nil {
				return err
			}
			if err := within(c, maxBenchRepeats, "repeats"); err != nil {
				return err
			}
			if err := within(c, maxBenchRows, "prompts", "samples", "prompt", "tokens"); err != nil {
				return err
			}
			spec, err := t.recipeSpec(c)
			if err != nil {
				return err
			}
			g := bench.GRPOSpec{RecipeSpec: spec, Prompts: c.Int("prompts"), Samples: c.Int("samples"),
				PromptTokens: c.Int("prompt"), Tokens: c.Int("tokens")}
			r, err := bench.GRPO(c.Context, g)
			if err != nil {
				return err
			}
			rows := append(t.stepHead(c), field{"prompts", g.Prompts}, field{"samples", g.Samples},
				field{"prompt_tokens", g.PromptTokens}, field{"tokens", g.Tokens})
			sampled := r.Seconds.Per(float64(g.Prompts * g.Samples * g.Tokens))
			rows = append(rows, field{"tokens_per_second", finite(sampled.Median)})
			t.fields(append(rows, t.stepFields(c, r.StepResult, r.Flops)...))
			return c.Context.Err()
		},
	}
}

func (t *term) stepHead(c *cli.Context) []field {
	return []field{{"model", c.String("model")}, {"precision", c.String("precision")}, {"adapter", c.String("adapter")}}
}

// stepFields are the seconds of a step and of its parts, and its memory.
func (t *term) stepFields(c *cli.Context, r bench.StepResult, flops float64) []field {
	l := t.limits(c)
	f := append([]field{{"steps", r.Seconds.N}}, spreadFields("seconds", r.Seconds)...)
	for _, p := range r.Phases {
		f = append(f, field{"seconds_" + p.Name, p.Seconds})
	}
	peak := peakOf(l, c.String("precision"))
	speed := flops / r.Seconds.Median / 1e9
	f = append(f, field{"gflop", flops / 1e9}, field{"gflops", finite(speed)}, field{"of_peak", share(speed, peak)},
		field{"peak_gflops", peak}, field{"micro_batch_tokens", r.Plan.MicroBatchTokens}, field{"planned_peak", t.bytes(r.Plan.Peak)})
	return append(f, t.runFields(r.Run)...)
}

func benchStart(t *term) *cli.Command {
	return &cli.Command{
		Name: "start", Usage: "from the start of the program to its first sampled token",
		UsageText: "burnish bench start [--model M] [--precision P] [--repeats N]",
		Description: "The program starts itself as 'sample' of one token and reads its output; times are measured from outside, with the file\n" +
			"in the cache." + benchAbout + "  burnish bench start\n  burnish bench start --model SmolLM2 --repeats 5 --json",
		Flags: []cli.Flag{benchModel, precisionFlag, repeatsFlag(5)},
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, 0, 0); err != nil {
				return err
			}
			if err := within(c, maxBenchRepeats, "repeats"); err != nil {
				return err
			}
			r, err := bench.Start(c.Context, c.String("model"), c.String("precision"), t.threads, c.Int("repeats"))
			if err != nil {
				return err
			}
			rows := append([]field{{"model", c.String("model")}, {"precision", c.String("precision")}, {"repeats", r.First.N}}, spreadFields("seconds_to_first_token", r.First)...)
			rows = append(append(rows, spreadFields("seconds_to_end", r.Whole)...), t.runFields(r.Run)...)
			t.fields(rows)
			return c.Context.Err()
		},
	}
}
