package jsonscore

import (
	"fmt"
	"strings"
)

const (
	MaxDepth = 128     // brackets inside one another; deeper is invalid
	MaxSize  = 1 << 20 // bytes of text; longer is invalid
)

// want says what the reader was looking for where it stopped.
type want uint8

const (
	wantValue        want = iota // a value
	wantKey                      // a member's key, or the close of an empty object
	wantColon                    // the colon after a key
	wantCommaOrClose             // after an element or a member
	wantEnd                      // nothing more, the value is whole
	inString                     // within a string
	inEscape                     // within an escape of a string
	inNumber                     // within a number
	inLiteral                    // within true, false or null
	overLimit                    // too deep or too long
)

// SyntaxError is the first byte that cannot continue any valid JSON text.
type SyntaxError struct {
	Offset int    // its index; the length of the text when the text only stops too early
	Reason string // "found ..., want ..."
	AtEnd  bool   // what is there is a prefix of some valid text
	want   want
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("json: byte %d: %s", e.Offset, e.Reason) }

// Parse reads text as exactly one value of RFC 8259 with nothing around it but space, tab, LF and CR. A lone surrogate
// escape is valid and decodes to U+FFFD; invalid UTF-8 is not valid. The error is a *SyntaxError.
func Parse(text string) (Value, error) {
	v, err := parseWhole(text)
	if err != nil {
		return Value{}, err
	}
	return v, nil
}

// Valid says whether [Parse] would succeed.
func Valid(text string) bool {
	_, err := parseWhole(text)
	return err == nil
}

func parseWhole(text string) (Value, *SyntaxError) {
	if len(text) > MaxSize {
		return Value{}, &SyntaxError{Offset: MaxSize, Reason: fmt.Sprintf("found more than %d bytes", MaxSize), want: overLimit}
	}
	v, end, err := parseAt(text, 0)
	if err != nil {
		return Value{}, err
	}
	if end = skipSpace(text, end); end < len(text) {
		return Value{}, unexpected(text, end, wantEnd, "the end of the text")
	}
	return v, nil
}

// parseAt reads one value that begins at or after from (white space is skipped) and returns where it ends. The end of
// the text counts as the end of a number.
func parseAt(text string, from int) (Value, int, *SyntaxError) {
	r := reader{text: text, pos: from}
	v, err := r.value()
	return v, r.pos, err
}

// reader is a cursor over the text. depth counts open brackets.
type reader struct {
	text  string
	pos   int
	depth int
}

func (r *reader) fail(w want, what string) *SyntaxError { return unexpected(r.text, r.pos, w, what) }

func unexpected(text string, at int, w want, what string) *SyntaxError {
	if at >= len(text) {
		return &SyntaxError{Offset: len(text), Reason: "found the end of the text, want " + what, AtEnd: true, want: w}
	}
	return &SyntaxError{Offset: at, Reason: fmt.Sprintf("found %q, want %s", text[at], what), want: w}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func skipSpace(text string, i int) int {
	for i < len(text) && isSpace(text[i]) {
		i++
	}
	return i
}

// trim cuts JSON white space, and nothing else, from both ends.
func trim(text string) string { return strings.Trim(text, " \t\n\r") }

func (r *reader) peek() byte {
	if r.pos < len(r.text) {
		return r.text[r.pos]
	}
	return 0
}

func (r *reader) value() (Value, *SyntaxError) {
	r.pos = skipSpace(r.text, r.pos)
	if r.pos >= len(r.text) {
		return Value{}, r.fail(wantValue, "a value")
	}
	switch c := r.peek(); {
	case c == '{':
		return r.object()
	case c == '[':
		return r.array()
	case c == '"':
		from := r.pos
		s, err := r.string()
		return Value{Kind: String, Text: s, From: from, To: r.pos}, err
	case c == 't':
		return r.literal("true", Bool)
	case c == 'f':
		return r.literal("false", Bool)
	case c == 'n':
		return r.literal("null", Null)
	case c == '-' || isDigit(c):
		return r.number()
	default:
		return Value{}, r.fail(wantValue, "a value")
	}
}

func (r *reader) literal(word string, k Kind) (Value, *SyntaxError) {
	from := r.pos
	for i := range len(word) {
		if r.pos >= len(r.text) || r.text[r.pos] != word[i] {
			return Value{}, r.fail(inLiteral, word)
		}
		r.pos++
	}
	return Value{Kind: k, Text: word, From: from, To: r.pos}, nil
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (r *reader) number() (Value, *SyntaxError) {
	from := r.pos
	if r.peek() == '-' {
		r.pos++
	}
	if r.peek() == '0' {
		r.pos++
		if isDigit(r.peek()) {
			return Value{}, r.fail(inNumber, "no digit after a leading zero")
		}
	} else if err := r.digits(); err != nil {
		return Value{}, err
	}
	if r.peek() == '.' {
		r.pos++
		if err := r.digits(); err != nil {
			return Value{}, err
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.pos++
		if c := r.peek(); c == '+' || c == '-' {
			r.pos++
		}
		if err := r.digits(); err != nil {
			return Value{}, err
		}
	}
	return Value{Kind: Number, Text: r.text[from:r.pos], From: from, To: r.pos}, nil
}

func (r *reader) digits() *SyntaxError {
	if !isDigit(r.peek()) {
		return r.fail(inNumber, "a digit")
	}
	for isDigit(r.peek()) {
		r.pos++
	}
	return nil
}
