package envs

import (
	"errors"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// wantError checks an error's text, and that a hint is there exactly when one is wanted.
func wantError(t *testing.T, err error, want, hint string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
		return
	}
	var h interface{ Hint() string }
	if has := errors.As(err, &h); has != (hint != "") {
		t.Errorf("error %v: hint %v, want %q", err, has, hint)
	} else if has && !strings.Contains(h.Hint(), hint) {
		t.Errorf("hint %q, want %q", h.Hint(), hint)
	}
}

func countRows(text string, limit int) (lines []int, err error) {
	err = readRows(strings.NewReader(text), "f", limit, func(line int, _ gjson.Result) error {
		lines = append(lines, line)
		return nil
	})
	return lines, err
}

func TestReadRowsAccepts(t *testing.T) {
	for _, c := range []struct {
		name, text string
		limit      int
		rows       int
	}{
		{"lines", "{}\n{}\n", 0, 2},
		{"no last line end", "{}\n{}", 0, 2},
		{"byte order mark", "\ufeff{}\n{}\n", 0, 2},
		{"CRLF", "{}\r\n{}\r\n", 0, 2},
		{"blank lines at the end", "{}\n{}\n\n \r\n\n", 0, 2},
		{"spaces round an object", "  {} \n\t{}\n", 0, 2},
		{"limit", "{}\n{}\nnot read\n", 2, 2},
		{"limit above the rows", "{}\n{}\n", 5, 2},
		{"deep", strings.Repeat(`{"a":`, maxDepth-1) + "{}" + strings.Repeat("}", maxDepth-1), 0, 1},
		{"brackets in strings", `{"a": "` + strings.Repeat(`[\"`, 2*maxDepth) + `"}`, 0, 1},
	} {
		if lines, err := countRows(c.text, c.limit); err != nil || len(lines) != c.rows {
			t.Errorf("%s: %d rows, %v; want %d", c.name, len(lines), err, c.rows)
		}
	}
}

func TestReadRowsRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty file", "", "f: no rows"},
		{"blank file", "\n\n", "f: no rows"},
		{"blank line", "{}\n\n\n{}\n", "f:2: an empty row"},
		{"array", "{}\n[1]\n", "f:2: an array, want an object"},
		{"two objects", "{} {}\n", "f:1: not valid JSON"},
		{"cut object", "{\"a\":\n", "f:1: not valid JSON"},
		{"comment", "{}\n// x\n", "f:2: not valid JSON"},
		{"bad UTF-8", "{}\n{\"a\": \"\xff\"}\n", "f:2: not valid UTF-8"},
		{"UTF-16", "{\x00}\x00", "f:1: not valid JSON"},
		{"second byte order mark", "{}\n\ufeff{}\n", "f:2: not valid JSON"},
		{"too deep", "{}\n" + strings.Repeat("[", maxDepth+1), "f:2: nested more than 128 deep"},
		{"far too deep", strings.Repeat(`{"a":[`, 1<<20), "f:1: nested more than 128 deep"},
		{"too long", "{}\n{\"a\": \"" + strings.Repeat("x", maxLine) + "\"}\n", "f:2: a row of more than 8388608 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := countRows(c.text, 0)
			wantError(t, err, c.want, "")
		})
	}
}

// No bytes make the reader panic, and what it accepts has rows on rising lines.
func FuzzReadRows(f *testing.F) {
	for _, s := range []string{"{}\n{}", "\ufeff{\"a\": [1, {\"b\": null}]}\r\n", "{\"question\": \"Q?\", \"answer\": \"W.\\n#### 1\"}", "[[[", "\n\n{}", "{\"a\": \"\\ud800\"}"} {
		f.Add(s)
	}
	o := JSONL{Messages: "chat", Completion: "a", Reference: "b.#.c", Metadata: []string{"a.0", `x\.y`}}
	ids := JSONL{PromptIDs: "ids", CompletionIDs: "a"}
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		err := readRows(strings.NewReader(text), "f", 0, func(line int, r gjson.Result) error {
			if line <= last {
				t.Errorf("line %d after %d", line, last)
			}
			last = line
			_, _ = parseWordProblem(r)
			_, _ = o.parse(r)
			if task, err := ids.parse(r); err == nil && (len(task.PromptIDs) == 0 || len(task.TargetIDs) == 0) {
				t.Error("accepted a row without ids")
			}
			return nil
		})
		if err == nil && last == 0 {
			t.Error("accepted a file without rows")
		}
	})
}
