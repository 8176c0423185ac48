package tokenizer

import (
	"sort"
	"unicode"
)

// class is what the pre-tokenizers' patterns ask of a character. Every character is in exactly one class.
type class uint8

const (
	other  class = iota // [^\s\p{L}\p{N}]
	letter              // \p{L}
	number              // \p{N}
	space               // \s
)

// asciiClass saves the search for the most common characters.
var asciiClass = func() (t [128]class) {
	for r := range t {
		t[r] = search(rune(r))
	}
	return t
}()

func classOf(r rune) class {
	if r >= 0 && r < 128 {
		return asciiClass[r]
	}
	return search(r)
}

func search(r rune) class {
	switch {
	case within(letterRanges, r):
		return letter
	case unicode.IsSpace(r): // White_Space, which has not changed since Unicode 6.3
		return space
	case within(numberRanges, r):
		return number
	}
	return other
}

// isDigit is the Digits pre-tokenizer's test: Unicode's N, of a newer version than \p{N}.
func isDigit(r rune) bool {
	if r < 128 {
		return '0' <= r && r <= '9'
	}
	return within(digitRanges, r)
}

func within(ranges [][2]rune, r rune) bool {
	i := sort.Search(len(ranges), func(i int) bool { return r <= ranges[i][1] })
	return i < len(ranges) && ranges[i][0] <= r
}
