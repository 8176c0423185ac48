package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/train/run"
	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// resumeFlag is the one flag whose value may be left out.
const resumeFlag = "resume"

// reorder puts a verb's flags before its arguments, since the library drops flags that follow one. "--" ends flags.
func reorder(app *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	var path, flags, rest []string
	commands, descending := app.Commands, true
	takes := valueFlags(app.Commands)
	for i := 1; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case a == "--"+resumeFlag: // its value may be left out: it is one only if it is a run folder
			value := ""
			if i+1 < len(args) && run.IsRun(args[i+1]) {
				i++
				value = args[i]
			}
			flags = append(flags, a+"="+value)
		case len(a) > 1 && a[0] == '-':
			flags = append(flags, a)
			name := strings.TrimLeft(a, "-")
			if takes[name] && i+1 < len(args) { // --name value; --name=value is one word
				i++
				flags = append(flags, args[i])
			}
		case descending && find(commands, a) != nil:
			path = append(path, a)
			commands = find(commands, a).Subcommands
			descending = len(commands) > 0
		default:
			descending = false
			rest = append(rest, a)
		}
	}
	out := append([]string{args[0]}, path...)
	out = append(out, flags...)
	if len(path) > 0 && slices.ContainsFunc(rest, func(s string) bool { return strings.HasPrefix(s, "-") }) {
		out = append(out, "--")
	}
	return append(out, rest...)
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

func commandPath(c *cli.Context) string {
	var names []string
	for _, p := range c.Lineage() {
		if p.Command != nil && p.Command.Name != "" && p.Command.Name != "burnish" {
			names = append(names, p.Command.Name)
		}
	}
	slices.Reverse(names)
	return strings.TrimSpace("burnish " + strings.Join(names, " "))
}

// unknownVerb names the nearest verb.
func unknownVerb(c *cli.Context, commands []*cli.Command, of string) error {
	var names []string
	for _, x := range commands {
		names = append(names, x.Name)
	}
	verb := c.Args().First()
	hint := "verbs: " + strings.Join(names, ", ")
	if near := nearest(verb, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", of+" "+near)
	}
	return usagef(hint, fmt.Sprintf("unknown verb %q of %s", verb, of))
}

// suggestFlag finds the nearest flag to the one that the library's message names.
func suggestFlag(c *cli.Context, message string) string {
	_, name, ok := strings.Cut(message, "flag provided but not defined: -")
	if !ok || c.Command == nil {
		return ""
	}
	var names []string
	for _, f := range c.Command.Flags {
		names = append(names, f.Names()...)
	}
	if near := nearest(strings.TrimLeft(name, "-"), names); near != "" {
		return "--" + near
	}
	return ""
}

// nearest is the name at an edit distance of at most 2 and less than half its length; "" when there is none.
func nearest(got string, names []string) string {
	best, at := "", 3
	for _, n := range names {
		if d := smetrics.WagnerFischer(got, n, 1, 1, 1); d < at && 2*d < max(len(n), 3) {
			best, at = n, d
		}
	}
	return best
}
