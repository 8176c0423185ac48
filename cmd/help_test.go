package cmd

import (
	"bytes"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// walk calls fn for every verb of the program, by its path.
func walk(t *testing.T, fn func(t *testing.T, path []*cli.Command)) {
	t.Helper()
	app := newApp(newTerm(nil, new(bytes.Buffer), new(bytes.Buffer)))
	var visit func(above, commands []*cli.Command)
	visit = func(above, commands []*cli.Command) {
		for _, c := range commands {
			path := append(above[:len(above):len(above)], c)
			t.Run(strings.Join(names(path), " "), func(t *testing.T) { fn(t, path) })
			visit(path, c.Subcommands)
		}
	}
	visit(nil, app.Commands)
}

func names(path []*cli.Command) []string {
	var out []string
	for _, c := range path {
		out = append(out, c.Name)
	}
	return out
}

func TestEveryVerbHasHelpWithTwoExamples(t *testing.T) {
	seen := 0
	walk(t, func(t *testing.T, path []*cli.Command) {
		c := path[len(path)-1]
		if c.Usage == "" || !strings.HasPrefix(c.UsageText, strings.Join(append([]string{program}, names(path)...), " ")) {
			t.Errorf("usage %q, usage text %q", c.Usage, c.UsageText)
		}
		if len(c.Subcommands) > 0 {
			return
		}
		seen++
		examples := 0
		for line := range strings.Lines(c.Description) {
			line = strings.TrimSpace(line)
			if !strings.HasPrefix(line, program+" ") && !strings.Contains(line, "| "+program+" ") {
				continue
			}
			if examples++; !strings.Contains(line, strings.Join(names(path), " ")) && c.Name != "new" {
				t.Errorf("an example of another verb: %s", line)
			}
			if strings.HasPrefix(line, program+" ") {
				checkFlags(t, c, line)
			}
		}
		if examples < 2 {
			t.Errorf("%d examples, want 2 or more: %s", examples, c.Description)
		}
		for _, want := range []string{"json", "quiet", "threads"} {
			if !hasFlag(c, want) {
				t.Errorf("no flag --%s", want)
			}
		}
		for _, f := range c.Flags {
			if row := flagHelp(f); row[1] == "" || strings.Contains(row[0]+row[1], "`") {
				t.Errorf("flag help %q", row)
			}
		}
	})
	if seen < 20 {
		t.Errorf("walked over %d verbs, want all of them", seen)
	}
}

// checkFlags checks that a verb has the flags of an example of it, and those of its synopsis.
func checkFlags(t *testing.T, c *cli.Command, example string) {
	t.Helper()
	if !strings.Contains(example, " "+c.Name+" ") {
		return
	}
	for _, word := range strings.Fields(example + " " + c.UsageText) {
		word = strings.Trim(word, "[].")
		name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if strings.HasPrefix(word, "-") && !hasFlag(c, name) {
			t.Errorf("%q speaks of a flag %s that is not there", example, word)
		}
	}
}

func hasFlag(c *cli.Command, name string) bool {
	for _, f := range c.Flags {
		for _, n := range f.Names() {
			if n == name {
				return true
			}
		}
	}
	return false
}

// Whatever the way to ask for help, it is the same text, on standard output.
func TestWaysToAskForHelp(t *testing.T) {
	want := output(t, "burnish", "train", "--help")
	for _, args := range [][]string{{"train", "-h"}, {"help", "train"}, {"--help", "train"}, {"train", "quickstart", "--set", "a=b", "-h"}} {
		if got := output(t, append([]string{"burnish"}, args...)...); got != want {
			t.Errorf("%q: %s", args, got)
		}
	}
	if got := output(t, "burnish", "model"); !strings.Contains(got, "tokenize") {
		t.Errorf("burnish model: %s", got)
	}
	for line := range strings.Lines(output(t, "burnish") + want) {
		if len(line) > 125 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
}

// output is the standard output of a command that succeeds and says nothing else.
func output(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := execute(args, strings.NewReader(""), &out, &errs); code != exitOK || errs.Len() > 0 {
		t.Fatalf("%q: exit code %d: %s", args, code, errs.String())
	}
	return out.String()
}

// A panic of ours is one line, with the stack in a file.
func TestPanicIsOneLine(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out, errs bytes.Buffer
	code := execute([]string{"burnish", "version"}, nil, panics{}, &errs)
	got := errs.String()
	if code != exitError || out.Len() > 0 || !strings.HasPrefix(got, "error: internal: ") || !strings.Contains(got, "\nhint: this is a bug") || strings.Count(got, "\n") != 2 {
		t.Errorf("exit code %d: %s", code, got)
	}
}

type panics struct{}

func (panics) Write([]byte) (int, error) { panic("no more paper") }
