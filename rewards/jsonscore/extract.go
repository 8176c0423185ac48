package jsonscore

import "strings"

const fence = "```"

// searchBudget bounds the bytes that a search for values in prose may read, as a multiple of the text's length: text
// made of many opening brackets would otherwise cost its square.
const searchBudget = 4

// Exact is the value that the trimmed text is, with nothing around it.
func Exact(text string) (Value, bool) {
	v, err := parseWhole(text)
	return v, err == nil
}

// Lenient is the value that a forgiving reader would take from the text: the whole text if that is one value, else
// what stands in the first fenced block, else the object or array that begins first and is whole. Its From and To are
// places in text. What [Exact] accepts, Lenient accepts with the same value.
func Lenient(text string) (Value, bool) {
	if v, ok := Exact(text); ok {
		return v, true
	}
	if len(text) > MaxSize {
		return Value{}, false
	}
	values := topLevel(text, 1)
	if at := fenceAt(text, values); at >= 0 {
		closed := strings.Contains(text[at+len(fence):], fence)
		if closed || len(values) == 0 || at < values[0].From {
			return fenced(text, at)
		}
	}
	if len(values) == 0 {
		return Value{}, false
	}
	return values[0], true
}

// fenceAt is the first fence outside the given values (backticks inside a value stand in one of its strings), or -1.
func fenceAt(text string, values []Value) int {
	from := 0
	for _, v := range values {
		if i := strings.Index(text[from:max(from, v.From)], fence); i >= 0 {
			return from + i
		}
		from = v.To
	}
	if i := strings.Index(text[from:], fence); i >= 0 {
		return from + i
	}
	return -1
}

// fenced is the value in the block that opens at byte at: after an optional tag of letters and digits, one value, then
// the closing fence or the end of the text.
func fenced(text string, at int) (Value, bool) {
	v, end, err := parseAt(text, fenceBody(text, at))
	if err != nil {
		return Value{}, false
	}
	rest := text[skipSpace(text, end):]
	if rest != "" && !strings.HasPrefix(rest, fence) {
		return Value{}, false
	}
	return v, true
}

// fenceBody is where the block's content begins: behind the backticks and the tag. A word is a tag when a line end, a
// space or an opening bracket follows it.
func fenceBody(text string, at int) int {
	body := at + len(fence)
	i := body
	for i < len(text) && (isDigit(text[i]) || isLetter(text[i])) {
		i++
	}
	if i < len(text) && (isSpace(text[i]) || text[i] == '{' || text[i] == '[') {
		return i
	}
	return body
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// topLevel finds up to limit whole objects and arrays by walking the text: a bracket that begins no whole value is
// stepped over. limit <= 0 means all.
func topLevel(text string, limit int) []Value {
	var found []Value
	budget := searchBudget * len(text)
	for i := 0; i < len(text) && budget > 0; {
		if text[i] != '{' && text[i] != '[' {
			i++
			continue
		}
		v, end, err := parseAt(text, i)
		if budget -= end - i; err != nil {
			i++
			continue
		}
		if found = append(found, v); len(found) == limit {
			return found
		}
		i = end
	}
	return found
}
