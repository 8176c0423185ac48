package chat

import (
	"fmt"
	"strconv"
	"strings"
)

// scanTag reads from the begin of a tag's inside to its end, which stands outside of strings and brackets. inner ends
// with the end's sign, a space for none. Strings come without the escapes that the library doesn't know, and }} that
// closes two brackets comes as } }.
func scanTag(source string, at int, kind byte) (inner string, end int, err error) {
	closer := "}}"
	if kind == '%' {
		closer = "%}"
	}
	var b strings.Builder
	depth := 0
	for i := at; i < len(source); {
		rest := source[i:]
		c := source[i]
		if depth == 0 {
			switch {
			case strings.HasPrefix(rest, closer):
				return b.String() + " ", i + 2, nil
			case strings.HasPrefix(rest, "-"+closer):
				return b.String() + "-", i + 3, nil
			case kind == '%' && strings.HasPrefix(rest, "+"+closer):
				return b.String() + "+", i + 3, nil
			}
		}
		switch c {
		case '\'', '"':
			n := literal(&b, rest)
			if n == 0 {
				return "", 0, fmt.Errorf("string without its end")
			}
			i += n
			continue
		case '(', '[', '{':
			if depth++; depth > MaxBrackets {
				return "", 0, fmt.Errorf("more than %d brackets in one another", MaxBrackets)
			}
		case ')', ']', '}':
			depth--
		}
		b.WriteByte(c)
		if c == '}' {
			b.WriteByte(' ')
		}
		i++
	}
	return "", 0, fmt.Errorf("tag without its end %q", closer)
}

// literal copies the string literal that begins s and gives its length, 0 if it doesn't end.
func literal(b *strings.Builder, s string) int {
	b.WriteByte(s[0])
	for i := 1; i < len(s); {
		switch {
		case s[i] == s[0]:
			b.WriteByte(s[0])
			return i + 1
		case s[i] == '\\' && i+1 < len(s):
			i += escape(b, s[i:])
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return 0
}

// escape copies an escape of Python's string literals and gives its length. The library knows \n, \t, \\, \' and \";
// the others come as the character itself.
func escape(b *strings.Builder, s string) int {
	digits := 0
	switch s[1] {
	case '\n':
		return 2
	case 'a', 'b', 'f', 'r', 'v':
		b.WriteByte("\a\b\f\r\v"[strings.IndexByte("abfrv", s[1])])
		return 2
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	}
	if digits > 0 && 2+digits <= len(s) {
		if r, err := strconv.ParseUint(s[2:2+digits], 16, 32); err == nil {
			if r == '\'' || r == '"' || r == '\\' {
				b.WriteByte('\\')
			}
			b.WriteRune(rune(r))
			return 2 + digits
		}
	}
	b.WriteString(s[:2])
	return 2
}
