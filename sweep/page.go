package sweep

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Section is one experiment of a page: its own text when it was run, or that it wasn't.
type Section struct {
	Path     string // of the experiment's file
	Title    string
	Question string
	Command  string // that runs it
	Results  string // Markdown, "" when there are none
	Picture  string // path from the page's folder, "" for none
}

// Page writes sections as one document. It is all that makes docs/experiments.md.
func Page(sections []Section) string {
	var b strings.Builder
	b.WriteString("# Experiments\n\nWritten by `burnish sweep --page` from the experiments' files and their results; not by hand. A negative result is a result;\na difference that is *not shown* is one that these runs could not tell from none.\n")
	var open []string
	for _, s := range sections {
		if s.Results == "" {
			open = append(open, s.Title)
		}
	}
	if len(open) > 0 {
		fmt.Fprintf(&b, "\n**Not run yet:** %s.\n", strings.Join(open, "; "))
	}
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n", s.Title)
		if s.Question != "" {
			fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(s.Question))
		}
		fmt.Fprintf(&b, "`%s`\n\n", s.Command)
		if s.Results == "" {
			b.WriteString("Not run yet.\n")
			continue
		}
		if s.Picture != "" {
			fmt.Fprintf(&b, "![%s](%s)\n\n", s.Title, filepath.ToSlash(s.Picture))
		}
		b.WriteString(strings.TrimRight(s.Results, "\n") + "\n")
	}
	return b.String()
}

// ResultsBeside is where an experiment's published results are: results/NAME.json beside its file.
func ResultsBeside(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return filepath.Join(filepath.Dir(path), "results", name+".json")
}

// Section makes an experiment's section from its published results; picture is written beside them.
func (d *Design) Section(page string) (Section, error) {
	s := Section{Path: d.Path, Title: d.Title, Question: d.Question, Command: "burnish sweep " + filepath.ToSlash(d.Path)}
	path := ResultsBeside(d.Path)
	r, err := ReadResults(path)
	if os.IsNotExist(err) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	note := ""
	if r.Design != d.Hash {
		note = "The experiment's file has changed since these results were made.\n\n"
	}
	s.Results = note + strings.Replace(r.Table(), Reading, "", 1)
	picture := strings.TrimSuffix(path, ".json") + ".svg"
	if err := os.WriteFile(picture, []byte(r.Picture()), 0o644); err != nil {
		return s, err
	}
	s.Picture, err = filepath.Rel(filepath.Dir(page), picture)
	return s, err
}
