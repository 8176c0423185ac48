package cmd

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	xterm "golang.org/x/term"
	"golang.org/x/text/width"
)

// size is the terminal's; 80 by 24 where it does not say.
func (t *term) size() (width, height int) {
	if f, ok := t.err.(*os.File); ok {
		if w, h, err := xterm.GetSize(int(f.Fd())); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return 80, 24
}

// redraw replaces the live view.
func (t *term) redraw(lines []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
	t.draw(lines)
}

// draw writes the view below what is on the screen. The lock is held.
func (t *term) draw(lines []string) {
	if len(lines) == 0 {
		return
	}
	w, h := t.size()
	var b strings.Builder
	t.view = nil
	for _, l := range lines[:min(len(lines), max(h-1, 1))] {
		l = clip(l, w-1)
		t.view = append(t.view, l)
		b.WriteString(l)
		if strings.IndexByte(l, 0x1b) >= 0 {
			b.WriteString("\x1b[0m")
		}
		b.WriteByte('\n')
	}
	io.WriteString(t.err, b.String())
}

// erase takes the view off the screen. The lock is held. Terminals wrap what is on them when they get narrower, so the
// rows to go up are counted at the width of now.
func (t *term) erase() {
	if len(t.view) == 0 {
		return
	}
	w, h := t.size()
	rows := 0
	for _, l := range t.view {
		rows += max(1, (columns(l)+w-1)/w)
	}
	t.view = nil
	fmt.Fprintf(t.err, "\x1b[%dA\r\x1b[J", min(rows, h-1))
}

// clear takes the view off the screen.
func (t *term) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
}

// freeze leaves the view where it is and forgets it.
func (t *term) freeze() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.view = nil
}

// clip cuts a line to a width in columns; colour codes take none.
func clip(s string, most int) string {
	var b strings.Builder
	n := 0
	for i := 0; i < len(s); {
		if end := colourCode(s[i:]); end > 0 {
			b.WriteString(s[i : i+end])
			i += end
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if n += runeColumns(r); n > most {
			break
		}
		b.WriteRune(printable(r))
		i += size
	}
	return b.String()
}

// columns is how wide a line is on the screen.
func columns(s string) int {
	n := 0
	for i := 0; i < len(s); {
		if end := colourCode(s[i:]); end > 0 {
			i += end
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		n += runeColumns(r)
		i += size
	}
	return n
}

// colourCode is the length of the colour code that s begins with, 0 when there is none.
func colourCode(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	return strings.IndexByte(s, 'm') + 1
}

func runeColumns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r < 0x1100:
		return 1
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// printable replaces what would move the cursor or colour the screen.
func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return '·'
	}
	return r
}

// flat puts text on one line that is safe to show: a model may write anything.
func flat(s string) string {
	return strings.Map(printable, strings.Join(strings.Fields(s), " "))
}

// safe is text for people to read: on a terminal, what would command it is made visible.
func (t *term) safe(s string) string {
	if t.piped {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return printable(r)
	}, s)
}

// wrap sets words into lines of at most most columns; further lines are indented. A word that is longer is clipped by
// the screen.
func wrap(words []string, sep string, most, indent int) []string {
	var lines []string
	line := ""
	for _, w := range words {
		switch {
		case line == "":
			line = w
		case columns(line)+len(sep)+columns(w) > most:
			lines = append(lines, line)
			line = strings.Repeat(" ", indent) + w
		default:
			line += sep + w
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
