package recipes

import (
	"fmt"
	"strings"

	"github.com/xrash/smetrics"
)

const (
	maxEdits      = 2  // a typing error has at most so many edits, and fewer than half the word
	maxNameLength = 64 // longer than any name; keeps the distance cheap on junk
)

// nearest is the known name that a mistyped one most likely means, "" when none is near.
func nearest(name string, known []string) string {
	if len(name) > maxNameLength {
		return ""
	}
	best, found := maxEdits+1, ""
	for _, k := range known {
		d := smetrics.WagnerFischer(strings.ToLower(name), k, 1, 1, 1)
		if d < best && 2*d < len(k) {
			best, found = d, k
		}
	}
	return found
}

// suggest ends a sentence about an unknown name: the nearest one, else all of them.
func suggest(name string, known []string) string {
	if n := nearest(name, known); n != "" {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	if len(known) == 0 {
		return ""
	}
	return ", want one of " + strings.Join(known, ", ")
}

// show quotes a value for a message, cut when it is long.
func show(value string) string {
	const limit = 40
	if r := []rune(value); len(r) > limit {
		value = string(r[:limit]) + "…"
	}
	return fmt.Sprintf("%q", value)
}
