package cmd

import (
	"os"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/urfave/cli/v2"
)

// resumeFlag is the one flag whose value may be left out.
const resumeFlag = "resume"

// call is a command line taken apart.
type call struct {
	path  []*cli.Command // verb, and verb below it
	flags []string
	rest  []string // arguments
	help  bool     // --help, -h, or "help" before the verb
	bare  string   // a flag at the end that lacks its value
}

// parse takes a command line apart, so that flags work before and after arguments. "--" ends flags.
func parse(app *cli.App, args []string) call {
	var c call
	commands, descending := app.Commands, true
	takes := valueFlags(app.Commands)
	for i := 1; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			c.rest = append(c.rest, args[i+1:]...)
			i = len(args)
		case a == "--help" || a == "-h" || a == "help" && i == 1:
			c.help = true
		case a == "--"+resumeFlag:
			value := ""
			if i+1 < len(args) && isResumeValue(args[i+1]) {
				i++
				value = args[i]
			}
			c.flags = append(c.flags, a+"="+value)
		case len(a) > 1 && a[0] == '-':
			c.flags = append(c.flags, a)
			if !takes[strings.TrimLeft(a, "-")] { // --name=value is one word
				continue
			}
			if i+1 == len(args) {
				c.bare = a
				continue
			}
			i++
			c.flags = append(c.flags, args[i])
		case descending && find(commands, a) != nil:
			found := find(commands, a)
			c.path = append(c.path, found)
			commands = found.Subcommands
			descending = len(commands) > 0
		default:
			descending = false
			c.rest = append(c.rest, a)
		}
	}
	return c
}

// check refuses a verb that is not there, whatever its flags, and a flag at the end without its value.
func (c call) check(app *cli.App) error {
	of, commands := app.Name, app.Commands
	for _, p := range c.path {
		of, commands = of+" "+p.Name, p.Subcommands
	}
	switch {
	case len(commands) > 0 && len(c.rest) > 0:
		return unknownVerb(c.rest[0], commands, of)
	case c.bare != "":
		return usagef("", c.bare+" wants a value")
	}
	return nil
}

// words puts it together again as the library wants it: flags before arguments.
func (c call) words(program string) []string {
	out := []string{program}
	for _, p := range c.path {
		out = append(out, p.Name)
	}
	out = append(out, c.flags...)
	if slices.ContainsFunc(c.rest, func(s string) bool { return strings.HasPrefix(s, "-") }) {
		out = append(out, "--")
	}
	return append(out, c.rest...)
}

// isResumeValue says whether the word after --resume is its folder: neither a flag nor a recipe.
func isResumeValue(word string) bool {
	if word == "" || strings.HasPrefix(word, "-") {
		return false
	}
	if run.IsRun(word) {
		return true
	}
	if _, builtin := recipes.Builtin(word); builtin {
		return false
	}
	info, err := os.Stat(word)
	return err != nil || info.IsDir()
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

// valueFlags are the names of all flags that take a value.
func valueFlags(commands []*cli.Command) map[string]bool {
	takes := map[string]bool{}
	for _, c := range commands {
		for _, f := range c.Flags {
			if _, isBool := f.(*cli.BoolFlag); isBool {
				continue
			}
			for _, n := range f.Names() {
				takes[n] = true
			}
		}
		for n := range valueFlags(c.Subcommands) {
			takes[n] = true
		}
	}
	return takes
}
