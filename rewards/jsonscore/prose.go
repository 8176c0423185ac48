package jsonscore

import (
	"fmt"
	"strings"
)

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

const (
	diverseGram  = 4 // words of a window
	diverseWords = 8 // fewer words than this are never called repetitive
)

// Diverse is distinct word 4-grams over all word 4-grams, counted within each string value (not keys) and summed; 1 for
// fewer than 8 words in all. A loop of one sentence comes near 0.
func Diverse(v Value) float64 {
	words, all, distinct := 0, 0, 0
	v.Walk(func(v Value) {
		if v.Kind != String {
			return
		}
		list := strings.Fields(v.Text)
		words += len(list)
		seen := map[string]bool{}
		for i := 0; i+diverseGram <= len(list); i++ {
			seen[strings.Join(list[i:i+diverseGram], " ")] = true
			all++
		}
		distinct += len(seen)
	})
	if words < diverseWords {
		return 1
	}
	return ratio(distinct, all)
}

// LengthBand is a wanted length in tokens.
type LengthBand struct {
	Lo  int // >= 0
	Hi  int // >= Lo
	Cap int // > Hi: no score from here on
}

// Validate checks the order of the bounds.
func (b LengthBand) Validate() error {
	if b.Lo < 0 || b.Hi < b.Lo || b.Cap <= b.Hi {
		return fmt.Errorf("found lo %d, hi %d, cap %d, want 0 <= lo <= hi < cap", b.Lo, b.Hi, b.Cap)
	}
	return nil
}

// Score is 1 within [Lo, Hi], n/Lo below, and falls to 0 at Cap:
//
//	n > hi: max(0, 1 - (n - hi)/(cap - hi))
func (b LengthBand) Score(n int) float64 {
	switch {
	case n < b.Lo:
		return float64(max(n, 0)) / float64(b.Lo)
	case n <= b.Hi:
		return 1
	default:
		return max(0, 1-float64(n-b.Hi)/float64(b.Cap-b.Hi))
	}
}
