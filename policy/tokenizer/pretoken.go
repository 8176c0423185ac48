package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// A stage cuts a text into parts and emits them in order: together they are the text (after a prefix space, if the
// stage adds one). Parts are never empty.
type stage func(text string, emit func(string))

// next gives the length in bytes of the first part of a text that is not empty.
type next func(text string) int

func (n next) stage() stage {
	return func(text string, emit func(string)) {
		for len(text) > 0 {
			k := n(text)
			emit(text[:k])
			text = text[k:]
		}
	}
}

// prefixSpace emits the text with a space before it, unless it begins with one.
func prefixSpace(text string, emit func(string)) {
	if !strings.HasPrefix(text, " ") {
		text = " " + text
	}
	emit(text)
}

// digit cuts at every digit, alone.
func digit(text string) int {
	r, n := utf8.DecodeRuneInString(text)
	if isDigit(r) {
		return n
	}
	return digitRun(text)
}

// digitRun cuts between digits and what isn't.
func digitRun(text string) int {
	first, n := utf8.DecodeRuneInString(text)
	for n < len(text) {
		r, k := utf8.DecodeRuneInString(text[n:])
		if isDigit(r) != isDigit(first) {
			break
		}
		n += k
	}
	return n
}

// patterns are the regular expressions that have a scanner here, as tokenizer.json files write them.
var patterns = map[string]next{
	patternGPT2:   gpt2,
	patternLlama3: llama3,
	patternQwen2:  qwen2,
}

const (
	patternGPT2   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	patternLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternQwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// gpt2 scans patternGPT2.
func gpt2(text string) int {
	if n := contraction(text, false); n > 0 {
		return n
	}
	start := 0
	if text[0] == ' ' && len(text) > 1 {
		start = 1
	}
	r, _ := utf8.DecodeRuneInString(text[start:])
	if c := classOf(r); c != space {
		return start + run(text[start:], c, len(text))
	}
	return spaces(text, run(text, space, len(text)))
}

func llama3(text string) int { return llama(text, 3) }
func qwen2(text string) int  { return llama(text, 1) }

// llama scans patternLlama3 (3 digits) and patternQwen2 (1 digit).
func llama(text string, digits int) int {
	if n := contraction(text, true); n > 0 {
		return n
	}
	r, n := utf8.DecodeRuneInString(text)
	switch c := classOf(r); {
	case c == letter:
		return run(text, letter, len(text))
	case c == number:
		return run(text, number, digits)
	case r != '\r' && r != '\n' && n < len(text):
		second, _ := utf8.DecodeRuneInString(text[n:])
		if classOf(second) == letter {
			return n + run(text[n:], letter, len(text))
		}
		if c == other || r == ' ' && classOf(second) == other {
			n = run(text[n:], other, len(text)) + n
			return n + newlines(text[n:])
		}
	case c == other:
		return n
	}
	n = run(text, space, len(text))
	if last := strings.LastIndexAny(text[:n], "\r\n"); last >= 0 {
		return last + 1
	}
	return spaces(text, n)
}

// run counts the bytes of the first characters of a class, at most max characters.
func run(text string, c class, max int) int {
	n := 0
	for ; n < len(text) && max > 0; max-- {
		r, k := utf8.DecodeRuneInString(text[n:])
		if classOf(r) != c {
			break
		}
		n += k
	}
	return n
}

// spaces scans \s+(?!\S)|\s+ where n bytes of white space begin the text: the last one is left to the word after it.
func spaces(text string, n int) int {
	_, last := utf8.DecodeLastRuneInString(text[:n])
	if n == len(text) || n == last {
		return n
	}
	return n - last
}

func newlines(text string) int {
	n := 0
	for n < len(text) && (text[n] == '\r' || text[n] == '\n') {
		n++
	}
	return n
}

// contraction gives the length of 's 't 'm 'd 're 've 'll at the text's begin, 0 if there is none. Folding case
// takes the long s too, as Unicode's rules do.
func contraction(text string, fold bool) int {
	if len(text) < 2 || text[0] != '\'' {
		return 0
	}
	if fold && strings.HasPrefix(text[1:], "ſ") {
		return 1 + len("ſ")
	}
	lower := func(i int) byte {
		if i >= len(text) {
			return 0
		}
		if fold && 'A' <= text[i] && text[i] <= 'Z' {
			return text[i] + 'a' - 'A'
		}
		return text[i]
	}
	switch a, b := lower(1), lower(2); {
	case a == 's', a == 't', a == 'm', a == 'd':
		return 2
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return 3
	}
	return 0
}
