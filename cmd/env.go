package cmd

import (
	"errors"
	"strings"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/recipes"
	"github.com/urfave/cli/v2"
)

func envCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "env", Usage: "list environments, look at their tasks",
		UsageText: "burnish env list | show NAME",
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "the environments of this program",
				UsageText:   "burnish env list [--json]",
				Description: "Examples:\n  burnish env list\n  burnish env list --json",
				Action:      func(c *cli.Context) error { return listEnvs(t, c) },
			},
			{
				Name: "show", Usage: "one task: prompt, reference and demonstration",
				UsageText:   "burnish env show NAME [--index I] [--set k=v]...",
				Description: "Examples:\n  burnish env show arith-json --index 3\n  burnish env show gsm8k-json --set path=data/gsm8k --set split=test",
				Flags: []cli.Flag{
					envOption,
					&cli.IntFlag{Name: "index", Usage: "`I` task to show, from 0"},
					&cli.IntFlag{Name: "n", Usage: "`N` how many, from there on", Value: 1},
				},
				Action: func(c *cli.Context) error { return showEnv(t, c) },
			},
		},
	}
}

// envOption sets an environment's options from the command line.
var envOption = &cli.StringSliceFlag{Name: "set", Usage: "`KEY=VALUE` set an option of the environment, such as split=test; may be given again"}

func listEnvs(t *term, c *cli.Context) error {
	if err := wantArgs(c, 0, 0); err != nil {
		return err
	}
	var rows [][]field
	for _, i := range envs.All() {
		rows = append(rows, []field{{"name", i.Name}, {"doc", i.Doc}, {"source", i.Source}})
	}
	t.records(rows)
	return nil
}

// openEnv opens an environment by name, with options such as path=data.
func openEnv(name string, settings []string) (envs.Env, error) {
	options, err := recipes.EnvOptions(name, settings)
	if err != nil {
		return nil, err
	}
	return options.Open()
}

func showEnv(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, 1); err != nil {
		return err
	}
	if err := errors.Join(wantAtLeast(c, "index", 0), wantAtLeast(c, "n", 1)); err != nil {
		return err
	}
	env, err := openEnv(c.Args().First(), c.StringSlice("set"))
	if err != nil {
		return err
	}
	for i := range c.Int("n") {
		task, err := env.Task(c.Int("index") + i)
		if err != nil {
			return err
		}
		t.showTask(task)
	}
	return nil
}

func (t *term) showTask(task envs.Task) {
	if t.json {
		t.fields([]field{{"id", task.ID}, {"messages", task.Messages}, {"text", task.Text}, {"prompt_ids", task.PromptIDs},
			{"reference", task.Reference}, {"demonstration", task.Demonstration}, {"target_ids", task.TargetIDs},
			{"metadata", task.Metadata}, {"schema", task.Schema}})
		return
	}
	var b strings.Builder
	b.WriteString(t.paint(bold, task.ID) + "\n")
	for _, m := range task.Messages {
		b.WriteString(t.paint(dim, m.Role+": ") + m.Content + "\n")
	}
	if task.Text != "" {
		b.WriteString(task.Text + "\n")
	}
	b.WriteString(t.paint(dim, "reference: ") + task.Reference + "\n")
	b.WriteString(t.paint(dim, "demonstration: ") + task.Demonstration + "\n")
	t.print(b.String())
}
