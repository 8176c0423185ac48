package advantage

import "math"

// Raw is the reward itself: no baseline. It is unbiased, and the noisiest. rewards and the result are [G].
func Raw(rewards []float64) []float64 {
	out := make([]float64, len(rewards))
	for i, r := range rewards {
		if !math.IsNaN(r) {
			out[i] = r
		}
	}
	return out
}
