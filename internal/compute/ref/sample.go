package ref

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Sample draws a token for each row of logits by inverting the running sum of its probabilities.
func (b *Backend) Sample(ids []int32, logp []float32, logits compute.Buf, v int, temperature float32, u []float64) {
	mustEqual(len(Data(logits)), len(ids)*v)
	greedy := temperature == 0
	if greedy {
		temperature = 1
	}
	for r := range ids {
		z := row(Data(logits), r, v)
		ids[r] = 0
		if greedy {
			for i, x := range z {
				if x > z[ids[r]] {
					ids[r] = int32(i)
				}
			}
			continue
		}
		sum := 0.0
		for i, lp := range logSoftmax(z, temperature) {
			if p := math.Exp(lp); p > 0 {
				ids[r] = int32(i)
				if sum += p; sum > u[r] {
					break
				}
			}
		}
	}
	copy(logp, b.TokenStats(logits, v, temperature, ids).LogP)
}
