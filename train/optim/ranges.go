package optim

import (
	"fmt"
	"math"
)

// share checks a decay factor. It must stay below 1 when rounded to float32, else its mean would never move.
func share(name string, v float64) error {
	if !(v >= 0) || float32(v) >= 1 {
		return fmt.Errorf("%s is %v, want a number in [0, 1)", name, v)
	}
	return nil
}

func notNegative(name string, v float64) error {
	if !(v >= 0) || math.IsInf(v, 0) {
		return fmt.Errorf("%s is %v, want a number >= 0", name, v)
	}
	return nil
}
