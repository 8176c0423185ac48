package recipes

import (
	"fmt"
	"sort"
	"strings"
)

// Problem is one thing wrong with a recipe.
type Problem struct {
	Where     string // the file's name, or the override as given: "--set train.steps=x"
	Line, Col int    // 1-based; 0 for an override, which has no lines
	Text      string
}

func (p Problem) Error() string {
	if p.Line == 0 {
		return p.Where + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.Where, p.Line, p.Col, p.Text)
}

// Problems is everything wrong with a recipe, in the order of the file, overrides last.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sort() {
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i], ps[j]
		if (a.Line == 0) != (b.Line == 0) {
			return b.Line == 0
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
}
