package chat

import (
	"fmt"
	"strings"
	"unicode"
)

// The library trims white space across tags that touch: in "{% if x %}{{ y }}\n" it drops the newline, which Jinja
// keeps. So the text is trimmed here by Jinja's own rules, and handed over as string expressions, which no tag trims.
// Source: jinja2/lexer.py, with trim_blocks and lstrip_blocks as transformers sets them.

// explicit rewrites a template so that all its text stands in expressions and no tag has a sign.
func explicit(source string) (string, error) {
	l := lexer{source: source, lineStart: true}
	for l.at < len(l.source) {
		i := nextTag(l.source[l.at:])
		if i < 0 {
			l.text(l.source[l.at:])
			break
		}
		text := l.source[l.at : l.at+i]
		l.at += i
		if err := l.tag(text); err != nil {
			line := 1 + strings.Count(l.source[:l.at], "\n")
			return "", fmt.Errorf("line %d: %w", line, err)
		}
	}
	return l.out.String(), nil
}

type lexer struct {
	source    string
	at        int  // what precedes is done
	lineStart bool // the last tag took the line's end with it
	out       strings.Builder
}

// nextTag gives where {{, {% or {# stands, -1 for nowhere.
func nextTag(s string) int {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '{' && (s[i+1] == '{' || s[i+1] == '%' || s[i+1] == '#') {
			return i
		}
	}
	return -1
}

// tag reads the tag at l.at and writes the text before it, trimmed, and the tag.
func (l *lexer) tag(text string) error {
	kind := l.source[l.at+1]
	body := l.at + 2
	sign := byte(0)
	if body < len(l.source) && (l.source[body] == '-' || l.source[body] == '+') {
		sign = l.source[body]
		body++
	}
	l.text(l.trimBefore(text, sign, kind != '{'))
	var inner string
	var end int // after the tag
	switch kind {
	case '#':
		n := strings.Index(l.source[body:], "#}")
		if n < 0 {
			return fmt.Errorf("comment without its end")
		}
		l.after(l.source[max(body, body+n-1):body+n], body+n+2, true)
		return nil
	default:
		var err error
		if inner, end, err = scanTag(l.source, body, kind); err != nil {
			return err
		}
	}
	endSign := inner[len(inner)-1:]
	inner = inner[:len(inner)-1]
	if kind == '{' {
		l.out.WriteString("{{ " + inner + " }}")
		l.after(endSign, end, false)
		return nil
	}
	if strings.TrimSpace(inner) == "raw" {
		l.after(endSign, end, false)
		return l.raw()
	}
	l.after(endSign, end, true)
	return l.statement(inner)
}

// statement writes a block tag, with a call beside it that counts where a template could run without end.
func (l *lexer) statement(inner string) error {
	before, after := "", ""
	words := strings.Fields(inner)
	switch {
	case len(words) == 0:
	case words[0] == "for" && words[len(words)-1] == "recursive":
		return fmt.Errorf("recursive for loops are not supported")
	case words[0] == "for":
		after = "{{ " + stepName + "() }}"
	case words[0] == "macro":
		after = "{{ " + enterName + "() }}"
	case words[0] == "endmacro":
		before = "{{ " + leaveName + "() }}"
	}
	l.out.WriteString(before + "{% " + inner + " %}" + after)
	return nil
}

// raw writes the text up to {% endraw %}, which l.at is not yet past.
func (l *lexer) raw() error {
	for i := l.at; ; i++ {
		n := strings.Index(l.source[i:], "{%")
		if n < 0 {
			return fmt.Errorf("raw without endraw")
		}
		i += n
		tag := l.source[i+2:]
		sign := byte(0)
		if tag != "" && (tag[0] == '-' || tag[0] == '+') {
			sign, tag = tag[0], tag[1:]
		}
		rest, ok := strings.CutPrefix(strings.TrimLeftFunc(tag, isSpace), "endraw")
		if !ok {
			continue
		}
		rest = strings.TrimLeftFunc(rest, isSpace)
		endSign := " "
		if rest != "" && (rest[0] == '-' || rest[0] == '+') {
			endSign, rest = rest[:1], rest[1:]
		}
		if rest, ok = strings.CutPrefix(rest, "%}"); !ok {
			continue
		}
		l.text(l.trimBefore(l.source[l.at:i], sign, true))
		l.after(endSign, len(l.source)-len(rest), true)
		return nil
	}
}

// trimBefore trims a text by the sign of the tag after it: "-" takes all white space, a block or comment without "+"
// takes what stands before it alone on its line.
func (l *lexer) trimBefore(text string, sign byte, block bool) string {
	if sign == '-' {
		return strings.TrimRightFunc(text, isSpace)
	}
	line := strings.LastIndexByte(text, '\n') + 1
	if sign != '+' && block && (line > 0 || l.lineStart) && strings.TrimLeftFunc(text[line:], isSpace) == "" {
		return text[:line]
	}
	return text
}

// after moves past a tag and the white space that its end takes: "-" all of it, a block or comment without "+" one
// newline.
func (l *lexer) after(sign string, end int, block bool) {
	rest := l.source[end:]
	switch {
	case sign == "-":
		rest = strings.TrimLeftFunc(rest, isSpace)
	case sign != "+" && block:
		rest = strings.TrimPrefix(rest, "\n")
	}
	l.at = len(l.source) - len(rest)
	l.lineStart = l.source[l.at-1] == '\n'
}

var quote = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// text writes a text as an expression.
func (l *lexer) text(s string) {
	if s != "" {
		l.out.WriteString("{{ '" + quote.Replace(s) + "' }}")
	}
}

// isSpace is \s of Python's re: white space and the separators U+001C to U+001F.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
