package cmd

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// usage is a mistake in how the program was called.
type usage struct {
	error
	hint string
}

func (u usage) Hint() string  { return u.hint }
func (u usage) Unwrap() error { return u.error }

func usagef(hint, text string) error { return usage{errors.New(text), hint} }

// usageError is what the library's flag parser complains of, with the nearest flag.
func usageError(c *cli.Context, err error, _ bool) error {
	path := commandPath(c)
	hint := "see '" + path + " --help'"
	text := err.Error()
	if _, name, ok := strings.Cut(text, "flag provided but not defined: -"); ok {
		name = strings.TrimLeft(name, "-")
		text = fmt.Sprintf("%s has no flag %s", path, dashed(name))
		if near := nearest(name, flagNames(c.Command)); near != "" {
			hint = "did you mean " + dashed(near) + "?"
		}
	}
	if m := invalidValue.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("%s: found %s, want a value of its kind", dashed(m[2]), m[1])
	}
	return usage{errors.New(text), hint}
}

// invalidValue is what the library says of a value it can't read.
var invalidValue = regexp.MustCompile(`^invalid(?: boolean)? value ("(?:[^"\\]|\\.)*") for (?:flag )?-([\w-]+): `)

func flagNames(c *cli.Command) []string {
	var names []string
	if c != nil {
		for _, f := range c.Flags {
			names = append(names, f.Names()...)
		}
	}
	return names
}

// dashed is a flag's name as it is typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// wantArgs checks the number of arguments.
func wantArgs(c *cli.Context, least, most int) error {
	if n := c.NArg(); n < least || n > most {
		text := "missing argument"
		if n > most {
			text = "unexpected argument " + quote(c.Args().Get(most))
		}
		return usagef("usage: "+c.Command.UsageText, text)
	}
	return nil
}

// wantAtLeast checks a flag with a lower bound.
func wantAtLeast(c *cli.Context, name string, least int) error {
	if v := c.Int(name); v < least {
		return usagef("", fmt.Sprintf("%s %d, want %d or more", dashed(name), v, least))
	}
	return nil
}

func commandPath(c *cli.Context) string {
	var names []string
	for _, p := range c.Lineage() {
		if p.Command != nil && p.Command.Name != "" && p.Command.Name != program {
			names = append(names, p.Command.Name)
		}
	}
	slices.Reverse(names)
	return strings.TrimSpace(program + " " + strings.Join(names, " "))
}

// unknownVerb names the nearest verb.
func unknownVerb(verb string, commands []*cli.Command, of string) error {
	var names []string
	for _, x := range commands {
		names = append(names, x.Name)
	}
	hint := "verbs: " + strings.Join(names, ", ")
	if near := nearest(verb, names); near != "" {
		hint = fmt.Sprintf("did you mean '%s %s'?", of, near)
	}
	return usagef(hint, fmt.Sprintf("unknown verb %q of %s", verb, of))
}

const (
	maxEdits      = 2
	maxNameLength = 64 // keeps the distance cheap on junk
)

// nearest is the name that a mistyped one most likely means: at most two edits and less than half its length away; ""
// when there is none.
func nearest(got string, names []string) string {
	best, at := "", maxEdits+1
	if len(got) > maxNameLength {
		return ""
	}
	for _, n := range names {
		if d := smetrics.WagnerFischer(got, n, 1, 1, 1); d < at && 2*d < max(len(n), 3) {
			best, at = n, d
		}
	}
	return best
}
