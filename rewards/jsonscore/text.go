package jsonscore

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a string with its quotes and decodes it.
func (r *reader) string() (string, *SyntaxError) {
	r.pos++
	var b strings.Builder
	from := r.pos // of the stretch that needs no decoding
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == '"':
			b.WriteString(r.text[from:r.pos])
			r.pos++
			return b.String(), nil
		case c == '\\':
			b.WriteString(r.text[from:r.pos])
			c, err := r.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(c)
			from = r.pos
		case c < 0x20:
			return "", r.fail(inString, "no raw control character in a string")
		case c < utf8.RuneSelf:
			r.pos++
		default:
			if err := r.multibyte(); err != nil {
				return "", err
			}
		}
	}
	return "", r.fail(inString, "the closing quote")
}

// multibyte steps over one UTF-8 sequence. On a bad one the cursor stands at the byte that cannot continue it.
func (r *reader) multibyte() *SyntaxError {
	if c, size := utf8.DecodeRuneInString(r.text[r.pos:]); c != utf8.RuneError || size > 1 {
		r.pos += size
		return nil
	}
	from := r.pos
	for r.pos < len(r.text) && !utf8.FullRuneInString(r.text[from:r.pos+1]) {
		r.pos++
	}
	return r.fail(inString, "valid UTF-8")
}

var shortEscapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads from the backslash on.
func (r *reader) escape() (rune, *SyntaxError) {
	r.pos++
	if r.pos >= len(r.text) {
		return 0, r.fail(inEscape, "an escape")
	}
	if r.text[r.pos] != 'u' {
		c, ok := shortEscapes[r.text[r.pos]]
		if !ok {
			return 0, r.fail(inEscape, "an escape")
		}
		r.pos++
		return c, nil
	}
	r.pos++
	c, err := r.hex4()
	if err != nil || !utf16.IsSurrogate(c) {
		return c, err
	}
	// A pair needs a second escape; if that is no low surrogate, this one is alone and the other is read by itself.
	if strings.HasPrefix(r.text[r.pos:], `\u`) {
		back := r.pos
		r.pos += 2
		low, err := r.hex4()
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(c, low); pair != utf8.RuneError {
			return pair, nil
		}
		r.pos = back
	}
	return utf8.RuneError, nil
}

func (r *reader) hex4() (rune, *SyntaxError) {
	var c rune
	for range 4 {
		d := hexDigit(r.peek())
		if d < 0 {
			return 0, r.fail(inEscape, "four hexadecimal digits")
		}
		c = c<<4 | d
		r.pos++
	}
	return c, nil
}

func hexDigit(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}
