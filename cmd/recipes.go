package cmd

import (
	"strings"

	"github.com/burnish-rl/burnish/recipes"
	"github.com/urfave/cli/v2"
)

func recipesCommand(t *term) *cli.Command {
	set := &cli.StringSliceFlag{Name: "set", Usage: "`KEY=VALUE` replace a key, such as train.steps=20; may be given again"}
	return &cli.Command{
		Name: "recipes", Usage: "list, show and check recipes", UsageText: "burnish recipes list | show NAME | validate FILE | schema",
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "the recipes inside this program", UsageText: "burnish recipes list",
				Description: "Examples:\n  burnish recipes list\n  burnish recipes list --json",
				Action:      func(c *cli.Context) error { return listRecipes(t, c) },
			},
			{
				Name: "show", Usage: "a recipe's text, to copy and change", UsageText: "burnish recipes show NAME [--effective] [--plot] [--tokens N] [--set k=v]...",
				Description: "--plot draws the learning rate of each step instead, and with --json prints it, a line a step. A rule that looks at\n" +
					"more than the step (power, hypergradient) is drawn with what can be assumed of it, which is said.\n\n" +
					"Examples:\n  burnish recipes show quickstart > mine.yaml\n  burnish recipes show quickstart --effective --set train.steps=20\n" +
					"  burnish recipes show gsm8k-json-sft --plot --set optim.schedule=\"{kind: wsd, decay: 0.2}\"",
				Flags: []cli.Flag{
					&cli.BoolFlag{Name: "effective", Usage: "with every default filled in"},
					&cli.BoolFlag{Name: "plot", Usage: "draw the learning rate over the run"},
					&cli.Int64Flag{Name: "tokens", Usage: "`N` tokens trained a step, for a rule that looks at them; without it the most that there can be"}, set,
				},
				Action: func(c *cli.Context) error { return showRecipe(t, c) },
			},
			{
				Name: "validate", Usage: "check a recipe without running it", UsageText: "burnish recipes validate FILE [--set k=v]...",
				Description: "Reports everything that is wrong, with file, line and column.\n\nExamples:\n  burnish recipes validate mine.yaml\n  burnish recipes validate quickstart --set train.steps=5",
				Flags:       []cli.Flag{set},
				Action:      func(c *cli.Context) error { return validateRecipe(t, c) },
			},
			{
				Name: "schema", Usage: "every key of a recipe, as a JSON Schema", UsageText: "burnish recipes schema",
				Description: "Examples:\n  burnish recipes schema > burnish.schema.json\n  burnish recipes schema --json",
				Action: func(c *cli.Context) error {
					if err := wantArgs(c, 0, 0); err != nil {
						return err
					}
					if t.json {
						t.print(compactJSON(recipes.Schema()) + "\n")
						return nil
					}
					t.print(strings.TrimRight(string(recipes.Schema()), "\n") + "\n")
					return nil
				},
			},
		},
	}
}

func listRecipes(t *term, c *cli.Context) error {
	if err := wantArgs(c, 0, 0); err != nil {
		return err
	}
	var rows [][]field
	for _, name := range recipes.Names() {
		text, _ := recipes.Builtin(name)
		rows = append(rows, []field{{"name", name}, {"about", about(text)}})
	}
	t.records(rows)
	return nil
}

// about is the first sentence of a recipe's first comment line.
func about(text []byte) string {
	first, _, _ := strings.Cut(string(text), "\n")
	first, _, _ = strings.Cut(first, ". ")
	return strings.TrimSpace(strings.TrimPrefix(first, "#"))
}

func showRecipe(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, 1); err != nil {
		return err
	}
	name := c.Args().First()
	if c.Bool("plot") {
		if c.Bool("effective") {
			return usagef("give one of them", "--plot and --effective are both given")
		}
		return plotRate(t, c, name)
	}
	if c.IsSet("tokens") {
		return usagef("", "--tokens is for --plot")
	}
	text, ok := recipes.Builtin(name)
	if !ok || c.Bool("effective") || c.IsSet("set") {
		r, err := recipes.Load(name, c.StringSlice("set")...)
		if err != nil {
			return err
		}
		text = r.YAML()
	}
	if t.json {
		t.fields([]field{{"name", name}, {"recipe", string(text)}})
		return nil
	}
	t.print(string(text))
	return nil
}

func validateRecipe(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, 1); err != nil {
		return err
	}
	r, err := recipes.Load(c.Args().First(), c.StringSlice("set")...)
	if err != nil {
		return err
	}
	t.fields([]field{{"recipe", r.Name}, {"algo", r.Algo.Kind}, {"env", r.Env.Kind}, {"model", r.Model.From}, {"valid", true}})
	return nil
}
