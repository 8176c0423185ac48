package jsonscore

import (
	"bytes"
	"regexp"
	"strings"
)

// Discounts of [Prefix]: any broken text stays below a valid one.
const (
	unclosedFactor = 0.9 // the text only stops too early
	brokenFactor   = 0.5 // a byte inside cannot continue any JSON text
)

// Prefix says how far a text is valid JSON.
//
//	1 when it parses; 0.9 when it is only a prefix; 0.5*p/n when byte p of n (trimmed) can't continue any JSON text
//
// Known hacks: text that never closes keeps 0.9, hence [Complete]; a long clean string dilutes a late error, hence the
// 0.5; "{" alone has 0.9, hence [PrefixWithKeys].
func Prefix(text string) float64 {
	text = trim(text)
	if text == "" {
		return 0
	}
	_, err := parseWhole(text)
	switch {
	case err == nil:
		return 1
	case err.AtEnd:
		return unclosedFactor
	default:
		return brokenFactor * float64(err.Offset) / float64(len(text))
	}
}

// PrefixWithKeys is [Prefix], times the share of the wanted keys that occur as "key" and a colon when the text does
// not parse, so that a lone bracket earns nothing. No wanted keys: no such factor.
func PrefixWithKeys(text string, keys []string) float64 {
	score := Prefix(text)
	if score == 0 || score == 1 || len(keys) == 0 {
		return score
	}
	return score * mentioned(text, keys)
}

// mentioned is the share of keys that stand somewhere in the text as "key" followed by a colon.
func mentioned(text string, keys []string) float64 {
	hits := 0
	for _, key := range keys {
		if regexp.MustCompile(`"` + regexp.QuoteMeta(key) + `"[ \t\r\n]*:`).MatchString(text) {
			hits++
		}
	}
	return float64(hits) / float64(len(keys))
}

// Balance is 1 - (unclosed + unopened)/all over the brackets outside strings, 0 without brackets. Diagnostics only: it
// is too easy to satisfy without JSON.
func Balance(text string) float64 {
	var open []byte
	all, unmatched := 0, 0
	scanOutside(text, 0, func(_ int, c byte) bool {
		switch c {
		case '{', '[':
			all++
			open = append(open, c)
		case '}', ']':
			all++
			i := bytes.LastIndexByte(open, c-2) // '{' + 2 == '}', '[' + 2 == ']'
			if i < 0 {
				unmatched++
				break
			}
			unmatched += len(open) - i - 1 // left open inside the pair that closes here
			open = open[:i]
		}
		return true
	})
	if all == 0 {
		return 0
	}
	return 1 - float64(len(open)+unmatched)/float64(all)
}

// scanOutside calls fn for every byte from from on that is outside double-quoted strings, until fn returns false.
func scanOutside(text string, from int, fn func(i int, c byte) bool) {
	quoted := false
	for i := from; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted:
			if !fn(i, c) {
				return
			}
		}
	}
}

// Single is 1/n for n whole top-level objects and arrays in the text, 0 for none. A text that is one scalar has n = 1.
func Single(text string) float64 {
	if Valid(text) {
		return 1
	}
	if len(text) > MaxSize {
		return 0
	}
	n := len(topLevel(text, 0))
	if n == 0 {
		return 0
	}
	return 1 / float64(n)
}

// OnlyJSON is the share of the text that belongs to the value, white space apart: 1 - outside/all, 0 without a value.
// The value is the [Lenient] one; backticks and tag of a fence are outside.
func OnlyJSON(text string) float64 {
	v, ok := Lenient(text)
	if !ok {
		return 0
	}
	return float64(inked(text[v.From:v.To])) / float64(inked(text))
}

// inked counts the bytes that are not JSON white space.
func inked(text string) int {
	n := 0
	for i := range len(text) {
		if !isSpace(text[i]) {
			n++
		}
	}
	return n
}

// NoFence is 0 when three backticks stand outside the whole values of the text, else 1. Inside a value they can only be
// part of a string.
func NoFence(text string) float64 {
	if len(text) > MaxSize {
		return share(!strings.Contains(text, fence))
	}
	if v, ok := Exact(text); ok && v.Kind == String {
		return 1
	}
	return share(fenceAt(text, topLevel(text, 0)) < 0)
}

// Complete is 1 for a generation that a stop token ended, 0 for one cut by the length limit.
func Complete(complete bool) float64 { return share(complete) }

func share(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}
