package eval

import (
	"math/big"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/burnish-rl/burnish/rewards/jsonscore"
)

// TextCorrect says whether a free text gives the reference as its answer. Where the reference is a number, the text's
// answer is the first number on the line after the first "####", as GSM8K's own evaluation reads it, else the text's
// last number; equal is what [jsonscore.SameNumber] says. Any other reference must be the whole text, surrounding
// blanks apart. Nothing is correct without a reference.
func TextCorrect(text, reference string) bool {
	reference = strings.TrimSpace(reference)
	want, isNumber := jsonscore.CleanNumber(reference)
	if !isNumber {
		return reference != "" && strings.TrimSpace(text) == reference
	}
	if _, after, found := strings.Cut(text, "####"); found {
		line, _, _ := strings.Cut(after, "\n")
		if numbers := numberPlaces(line, 1); len(numbers) > 0 {
			return same(line, numbers[0], want)
		}
	}
	numbers := numberPlaces(text, -1)
	return len(numbers) > 0 && same(text, numbers[len(numbers)-1], want)
}

// number is digits, with commas that group three of them, and decimals.
var number = regexp.MustCompile(`\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+`)

func numberPlaces(s string, n int) [][]int { return number.FindAllStringIndex(s, n) }

func same(s string, place []int, want *big.Rat) bool {
	got, ok := jsonscore.CleanNumber(s[place[0]:place[1]])
	if !ok {
		return false
	}
	if negative(s[:place[0]]) {
		got.Neg(got)
	}
	return jsonscore.SameNumber(got, want)
}

// negative says whether a number after before is below zero: "-2", "is -2", "-$2", "$-2", but not the 2 of "5-2".
func negative(before string) bool {
	before = strings.TrimRight(before, "$€£")
	before, minus := strings.CutSuffix(before, "-")
	if !minus {
		return false
	}
	before = strings.TrimRight(before, "$€£")
	last, _ := utf8.DecodeLastRuneInString(before)
	return !unicode.IsLetter(last) && !unicode.IsDigit(last) && last != ')'
}
