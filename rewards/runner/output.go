package runner

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

const (
	maxLogLine  = 4 << 10 // bytes of a printed line that are kept
	maxLogLines = 50      // printed lines that are passed on for one completion
)

// logger passes lines to the user's callback one at a time.
type logger struct {
	mu sync.Mutex
	fn func(string)
}

func newLogger(fn func(string)) *logger { return &logger{fn: fn} }

func (l *logger) line(s string) {
	if l.fn == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fn(s)
}

// output takes what a child prints. It never blocks the child for long and never keeps more than a line.
type output struct {
	log *logger

	mu      sync.Mutex
	streams [2]bytes.Buffer // the unfinished lines of stdout and stderr
	skipped int             // lines over the limit
	passed  int
	cause   string // the first line since the last completion that tells of a crash
	tail    string // the last line on stderr
}

func newOutput(l *logger) *output { return &output{log: l} }

func (o *output) stdout() io.Writer { return stream{o, 0} }
func (o *output) stderr() io.Writer { return stream{o, 1} }

type stream struct {
	o *output
	n int
}

func (s stream) Write(p []byte) (int, error) {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	for rest := p; len(rest) > 0; {
		piece, after, whole := bytes.Cut(rest, []byte("\n"))
		b := &s.o.streams[s.n]
		b.Write(piece[:min(len(piece), max(0, maxLogLine-b.Len()))])
		if whole {
			s.o.lineEnd(s.n)
		}
		rest = after
	}
	return len(p), nil
}

// lineEnd passes the stream's line on. The lock is held.
func (o *output) lineEnd(n int) {
	line := strings.TrimRight(strings.ToValidUTF8(o.streams[n].String(), "\uFFFD"), "\r")
	o.streams[n].Reset()
	if n == 1 && strings.TrimSpace(line) != "" {
		o.tail = line
		if o.cause == "" && (strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "panic: ")) {
			o.cause = line
		}
	}
	if o.passed++; o.passed > maxLogLines {
		o.skipped++
		return
	}
	o.log.line(line)
}

// next begins a new completion's share of lines.
func (o *output) next() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reportSkipped()
	o.passed, o.cause, o.tail = 0, "", ""
}

// flush passes on what the child printed without a line end.
func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for n := range o.streams {
		if o.streams[n].Len() > 0 {
			o.lineEnd(n)
		}
	}
	o.reportSkipped()
}

func (o *output) reportSkipped() {
	if o.skipped > 0 {
		o.log.line(fmt.Sprintf("… and %d lines more", o.skipped))
		o.skipped = 0
	}
}

// last is the printed line that explains an end best.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cause != "" {
		return o.cause
	}
	return o.tail
}
