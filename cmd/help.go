package cmd

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// helpText is what --help prints for a verb, or for the whole program when path is empty.
func helpText(app *cli.App, path []*cli.Command) string {
	var b strings.Builder
	name, about, synopsis, text := app.Name, app.Usage, app.UsageText, app.Description
	commands := app.Commands
	var flags []cli.Flag
	for _, c := range path {
		name += " " + c.Name
		about, synopsis, text, commands, flags = c.Usage, c.UsageText, c.Description, c.Subcommands, c.Flags
	}
	fmt.Fprintf(&b, "%s: %s\n\nUsage:\n", name, about)
	for line := range strings.Lines(synopsis) {
		b.WriteString("  " + line)
	}
	b.WriteString("\n")
	if text != "" {
		b.WriteString("\n" + text + "\n")
	}
	if len(commands) > 0 {
		var rows [][2]string
		for _, c := range commands {
			rows = append(rows, [2]string{c.Name, c.Usage})
		}
		b.WriteString("\nVerbs:\n" + aligned(rows))
		fmt.Fprintf(&b, "\n'%s VERB --help' says more. Every verb takes --json, --quiet and --threads N.\n", name)
		return b.String()
	}
	var rows [][2]string
	for _, f := range flags {
		rows = append(rows, flagHelp(f))
	}
	b.WriteString("\nFlags, before or after arguments:\n" + aligned(append(rows, [2]string{"--help, -h", "show this"})))
	return b.String()
}

// aligned sets rows of two columns.
func aligned(rows [][2]string) string {
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, r[0], r[1])
	}
	return b.String()
}

// flagHelp is a flag's names and placeholder, and what it does with its default. The placeholder is the word of the
// usage text in back quotes.
func flagHelp(f cli.Flag) [2]string {
	var names []string
	for _, n := range f.Names() {
		names = append(names, dashed(n))
	}
	left := strings.Join(names, ", ")
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return [2]string{left, ""}
	}
	usage := doc.GetUsage()
	if !doc.TakesValue() {
		return [2]string{left, usage}
	}
	placeholder := "N"
	if before, after, ok := strings.Cut(usage, "`"); ok {
		word, tail, _ := strings.Cut(after, "`")
		placeholder, usage = word, before+tail
	}
	if value := strings.Trim(doc.GetValue(), "[]"); value != "" && value != "0" && value != "0s" {
		usage += "; default " + value
	}
	return [2]string{left + " " + placeholder, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(usage), ":"))}
}
