package jsonscore

import (
	"regexp"
	"strings"
)

// MaxRepairs is the number of edits after which [Repairs] gives up.
const MaxRepairs = 8

// Repairs is 1/(1+k) for the k edits of a fixed list that make the text parse, and k; 0 and -1 when more than
// [MaxRepairs] are needed or the list has no edit that applies.
//
// Each edit is the first of the list that applies where the parser stopped, so k is an upper bound. It is the same
// for the same text, which matters more.
func Repairs(text string) (score float64, k int) {
	text = trim(text)
	for k = 0; ; k++ {
		_, err := parseWhole(text)
		if err == nil {
			return 1 / float64(1+k), k
		}
		next, ok := repairOnce(text, err)
		if !ok || k == MaxRepairs {
			return 0, -1
		}
		text = trim(next)
	}
}

// repairs is the list, in the order in which the edits are tried. Each returns the edited text, or false when it is
// not the remedy for this error.
var repairs = []func(text string, err *SyntaxError) (string, bool){
	stripFencePair,
	dropBefore,
	dropAfter,
	removeTrailingComma,
	insertComma,
	quoteBareKey,
	doubleQuotes,
	escapeControl,
	replacePythonWord,
	closeString,
	appendClose,
}

func repairOnce(text string, err *SyntaxError) (string, bool) {
	if text == "" || err.want == overLimit {
		return "", false
	}
	for _, repair := range repairs {
		if next, ok := repair(text, err); ok {
			return next, true
		}
	}
	return "", false
}

// stripFencePair removes the first opening fence with its tag and the last closing one.
func stripFencePair(text string, _ *SyntaxError) (string, bool) {
	open, closing := strings.Index(text, fence), strings.LastIndex(text, fence)
	if open < 0 || closing < open+len(fence) {
		return "", false
	}
	if b := strings.IndexAny(text, "{["); b >= 0 && b < open {
		return "", false // in a string of the value, or behind it
	}
	body := min(fenceBody(text, open), closing)
	return text[:open] + text[body:closing] + text[closing+len(fence):], true
}

// dropBefore removes what stands before the first bracket.
func dropBefore(text string, err *SyntaxError) (string, bool) {
	b := strings.IndexAny(text, "{[")
	if b <= 0 || err.Offset > b {
		return "", false
	}
	return text[b:], true
}

// dropAfter removes what stands after the bracket that closes the value.
func dropAfter(text string, err *SyntaxError) (string, bool) {
	if text[0] != '{' && text[0] != '[' {
		return "", false
	}
	depth, end := 0, -1
	scanOutside(text, 0, func(i int, c byte) bool {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth == 0 {
			end = i + 1
		}
		return depth > 0
	})
	if end < 0 || end == len(text) || err.Offset < end {
		return "", false
	}
	return text[:end], true
}

func removeTrailingComma(text string, err *SyntaxError) (string, bool) {
	if err.AtEnd || (text[err.Offset] != '}' && text[err.Offset] != ']') {
		return "", false
	}
	before := strings.TrimRight(text[:err.Offset], " \t\r\n")
	if !strings.HasSuffix(before, ",") {
		return "", false
	}
	return before[:len(before)-1] + text[err.Offset:], true
}

var (
	bareKey    = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$-]*[ \t\r\n]*:`)
	nextMember = regexp.MustCompile(`^(["'][^"']*["']|[A-Za-z_$][A-Za-z0-9_$-]*)[ \t\r\n]*:`)
	nextItem   = regexp.MustCompile(`^(["'{\[0-9-]|true|false|null|True|False|None)`)
)

// insertComma separates two members or two elements.
func insertComma(text string, err *SyntaxError) (string, bool) {
	if err.want != wantCommaOrClose || err.AtEnd {
		return "", false
	}
	next := nextItem
	if strings.HasSuffix(err.Reason, "'}'") {
		next = nextMember
	}
	// Two tokens that touch, such as 12abc, are no two elements.
	touching := isDigit(text[err.Offset-1]) || isLetter(text[err.Offset-1])
	if touching || !next.MatchString(text[err.Offset:]) {
		return "", false
	}
	return text[:err.Offset] + "," + text[err.Offset:], true
}

func quoteBareKey(text string, err *SyntaxError) (string, bool) {
	if err.want != wantKey || err.AtEnd {
		return "", false
	}
	found := bareKey.FindString(text[err.Offset:])
	if found == "" {
		return "", false
	}
	key := strings.TrimRight(found, ": \t\r\n")
	return text[:err.Offset] + `"` + key + `"` + text[err.Offset+len(key):], true
}

// doubleQuotes turns one single-quoted string into a JSON string.
func doubleQuotes(text string, err *SyntaxError) (string, bool) {
	if err.AtEnd || text[err.Offset] != '\'' || (err.want != wantKey && err.want != wantValue) {
		return "", false
	}
	b := []byte(text[:err.Offset] + `"`)
	for i := err.Offset + 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'':
			return string(append(b, '"')) + text[i+1:], true
		case c == '"':
			b = append(b, '\\', '"')
		case c == '\\' && i+1 < len(text):
			if i++; text[i] != '\'' {
				b = append(b, '\\')
			}
			b = append(b, text[i])
		default:
			b = append(b, c)
		}
	}
	return string(b), true
}

// escapeControl escapes one raw line end or tab in a string.
func escapeControl(text string, err *SyntaxError) (string, bool) {
	if err.want != inString || err.AtEnd {
		return "", false
	}
	escaped, ok := map[byte]string{'\n': `\n`, '\r': `\r`, '\t': `\t`}[text[err.Offset]]
	if !ok {
		return "", false
	}
	return text[:err.Offset] + escaped + text[err.Offset+1:], true
}

func replacePythonWord(text string, err *SyntaxError) (string, bool) {
	if err.want != wantValue {
		return "", false
	}
	for _, w := range [][2]string{{"True", "true"}, {"False", "false"}, {"None", "null"}} {
		if rest, ok := strings.CutPrefix(text[err.Offset:], w[0]); ok {
			return text[:err.Offset] + w[1] + rest, true
		}
	}
	return "", false
}

func closeString(text string, err *SyntaxError) (string, bool) {
	return text + `"`, err.AtEnd && (err.want == inString || err.want == inEscape)
}

// appendClose closes the innermost open bracket.
func appendClose(text string, err *SyntaxError) (string, bool) {
	if !err.AtEnd {
		return "", false
	}
	var open []byte
	scanOutside(text, 0, func(_ int, c byte) bool {
		switch c {
		case '{', '[':
			open = append(open, c+2)
		case '}', ']':
			open = open[:max(0, len(open)-1)]
		}
		return true
	})
	if len(open) == 0 {
		return "", false
	}
	return text + string(open[len(open)-1:]), true
}
