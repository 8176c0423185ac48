package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/train"
	"github.com/urfave/cli/v2"
	xterm "golang.org/x/term"
)

// The rules of printing. Results go to standard output, everything else to standard error. With --json results are
// JSON lines. Errors are one line that begins with "error:", and at most one that begins with "hint:". Messages have
// neither capitals nor full stops. Colour and redrawing only on a terminal, and no colour with NO_COLOR set.
type term struct {
	in       io.Reader
	out, err io.Writer
	json     bool
	quiet    bool
	threads  int
	live     bool // standard error is a terminal that can redraw
	piped    bool // standard output is no terminal
	colour   bool

	broken error // the first that writing to standard output gave

	mu   sync.Mutex // of everything written to standard error
	view []string   // lines of the live view on the screen
}

func newTerm(in io.Reader, out, err io.Writer) *term {
	t := &term{in: in, err: err}
	t.out = &remember{out, &t.broken}
	t.live = isTerminal(err) && os.Getenv("TERM") != "dumb"
	t.piped = !isTerminal(out)
	t.colour = t.live && os.Getenv("NO_COLOR") == ""
	return t
}

// remember keeps the first error of a writer.
type remember struct {
	io.Writer
	first *error
}

func (r *remember) Write(p []byte) (int, error) {
	n, err := r.Writer.Write(p)
	if err != nil && *r.first == nil {
		*r.first = fmt.Errorf("standard output: %w", err)
	}
	return n, err
}

func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && xterm.IsTerminal(int(f.Fd()))
}

// configure reads the flags that all verbs have.
func (t *term) configure(c *cli.Context) error {
	t.json, t.quiet, t.threads = c.Bool("json"), c.Bool("quiet"), c.Int("threads")
	if t.threads < 0 {
		return usagef("0 means all cores", fmt.Sprintf("--threads %d, want 0 or more", t.threads))
	}
	return nil
}

// field is a named value of a result.
type field struct {
	name  string
	value any
}

// fields prints one record: aligned for people, an object in this order for machines.
func (t *term) fields(rows []field) {
	if t.json {
		t.object(rows)
		return
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\n", r.name, text(r.value))
	}
	w.Flush()
}

// records prints a table with a header for people, a line a record for machines.
func (t *term) records(rows [][]field) {
	if t.json {
		for _, r := range rows {
			t.object(r)
		}
		return
	}
	if len(rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for i, f := range rows[0] {
		fmt.Fprint(w, tab(i), f.name)
	}
	fmt.Fprintln(w)
	for _, r := range rows {
		for i, f := range r {
			fmt.Fprint(w, tab(i), text(f.value))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

func tab(i int) string {
	if i == 0 {
		return ""
	}
	return "\t"
}

// object prints one JSON object on a line.
func (t *term) object(rows []field) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, r := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(encode(r.name))
		b.WriteByte(':')
		b.Write(encode(r.value))
	}
	b.WriteString("}\n")
	t.out.Write(b.Bytes())
}

// encode is JSON without HTML escaping; what JSON can't say becomes null.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return []byte("null")
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func text(v any) string {
	switch x := v.(type) {
	case float64:
		return strconv.FormatFloat(x, 'g', 5, 64)
	case string:
		return x
	case nil:
		return "-"
	case []string:
		return strings.Join(x, ", ")
	}
	return fmt.Sprint(v)
}

// print writes text to standard output as it is.
func (t *term) print(s string) { io.WriteString(t.out, s) }

// note writes a line to standard error, unless --quiet. It stands above the live view.
func (t *term) note(format string, args ...any) {
	if t.quiet {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	view := t.view
	t.erase()
	fmt.Fprintf(t.err, format+"\n", args...)
	t.draw(view)
}

// fail prints an error and gives the exit code.
func (t *term) fail(err error) int {
	t.freeze()
	if errors.Is(err, train.ErrInterrupted) || errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	for _, e := range flatten(err) {
		fmt.Fprintf(t.err, "%s %s\n", t.paint(red, "error:"), oneLine(e.Error()))
	}
	if h := hint(err); h != "" {
		fmt.Fprintf(t.err, "%s %s\n", t.paint(yellow, "hint:"), oneLine(h))
	}
	var u usage
	if errors.As(err, &u) {
		return exitUsage
	}
	return exitError
}

// flatten lists the errors of a joined one, such as all the problems of a recipe.
func flatten(err error) []error {
	var problems recipes.Problems
	if errors.As(err, &problems) {
		out := make([]error, len(problems))
		for i, p := range problems {
			out[i] = p
		}
		return out
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range many.Unwrap() {
			out = append(out, flatten(e)...)
		}
		return out
	}
	return []error{err}
}

func oneLine(s string) string {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		return printable(r)
	}, strings.Join(lines, "; "))
}

const (
	red    = "31"
	green  = "32"
	yellow = "33"
	dim    = "2"
	bold   = "1"
)

func (t *term) paint(code, s string) string {
	if !t.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func quote(s string) string { return strconv.Quote(s) }

// hint is the remedy that an error carries, or one for a kind of error that needs the same everywhere.
func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return hintFor(err)
}
