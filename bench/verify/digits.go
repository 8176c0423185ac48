// Package digits is a reward for the checks of this folder: it tells completions apart even of a model that does not know
// the task, so that every group has some variance.
package digits

import "strings"

// Score is the share of digits in the text: every group has some variance.
func Score(text, reference string) float64 {
	n := 0
	for _, r := range text {
		if strings.ContainsRune("0123456789", r) {
			n++
		}
	}
	return float64(n) / float64(len(text)+1)
}
