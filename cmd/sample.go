package cmd

import (
	"errors"
	"fmt"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/train/rollout"
	"github.com/urfave/cli/v2"
)

func sampleCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "sample", Usage: "sample completions of a prompt or of a task",
		UsageText: "burnish sample --model M [--prompt TEXT | --env ENV --index I] [-n N] [--seed S]",
		Description: "A prompt goes through the model's chat template as a user message; --raw takes it as it is.\n\nExamples:\n" +
			"  burnish sample --model builtin:tiny --env arith-json --index 3 -n 4\n" +
			"  burnish sample --model SmolLM2.gguf --prompt \"What is the capital of France?\" --temperature 0",
		Flags: append([]cli.Flag{
			modelFlag, precisionFlag,
			&cli.StringFlag{Name: "prompt", Usage: "`TEXT` user message"},
			&cli.BoolFlag{Name: "raw", Usage: "take the prompt as it is, without a chat template"},
			&cli.StringFlag{Name: "env", Usage: "`ENV` environment to take the prompt from, such as arith-json"},
			envOption,
			&cli.IntFlag{Name: "index", Usage: "`I` task of the environment, from 0"},
			&cli.IntFlag{Name: "n", Usage: "`N` how many samples", Value: 1},
		}, decodingFlags(1, 256)...),
		Action: func(c *cli.Context) error { return sample(t, c) },
	}
}

func sample(t *term, c *cli.Context) error {
	if err := wantArgs(c, 0, 0); err != nil {
		return err
	}
	env, index, err := sampleSource(c)
	if err != nil {
		return err
	}
	m, err := t.open(c)
	if err != nil {
		return err
	}
	prompts, err := rollout.Render(m, env, []int{index})
	if err != nil {
		return err
	}
	groups, _, err := rollout.Generate(c.Context, m, prompts, c.Int("n"), decoding(c))
	if err != nil {
		return err
	}
	for _, s := range groups[0].Samples {
		t.showSample(prompts[0], s.Completion, c.Int("n") > 1)
	}
	return nil
}

// sampleSource is a task of an environment, or the prompt given as one.
func sampleSource(c *cli.Context) (envs.Env, int, error) {
	prompt, name := c.String("prompt"), c.String("env")
	if err := errors.Join(wantAtLeast(c, "n", 1), wantAtLeast(c, "index", 0)); err != nil {
		return nil, 0, err
	}
	switch {
	case (prompt == "") == (name == ""):
		return nil, 0, usagef("for example --prompt \"Hello\" or --env arith-json --index 3", "want either --prompt or --env")
	case name == "" && (c.IsSet("set") || c.IsSet("index")):
		return nil, 0, usagef("", "--set and --index belong to --env")
	case name != "" && c.Bool("raw"):
		return nil, 0, usagef("", "--raw belongs to --prompt")
	case name != "":
		env, err := openEnv(name, c.StringSlice("set"))
		return env, c.Int("index"), err
	case c.Bool("raw"):
		return one{envs.Task{ID: "prompt", Text: prompt}}, 0, nil
	}
	return one{envs.Task{ID: "prompt", Messages: []envs.Message{{Role: "user", Content: prompt}}}}, 0, nil
}

// one is an environment of a single task.
type one struct{ task envs.Task }

func (o one) Task(int) (envs.Task, error) { return o.task, nil }

func (t *term) showSample(p rollout.Prompt, c policy.Completion, several bool) {
	if t.json {
		t.fields([]field{{"sample", c.Sample}, {"text", c.Text}, {"stop", c.Stop}, {"prompt_ids", p.IDs}, {"completion_ids", c.Tokens},
			{"logprobs", c.LogProbs}, {"reference", p.Task.Reference}})
		return
	}
	if several {
		t.note("%s", t.paint(dim, fmt.Sprintf("--- sample %d, %d tokens, %s", c.Sample, len(c.Tokens), c.Stop)))
	}
	t.print(t.safe(c.Text) + "\n")
}
