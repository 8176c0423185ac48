package decoder

import "math"

// inverseFrequencies is base^(-2i/D), i < D/2, rounded to float32 where transformers rounds: the exponent, the power
// and the quotient.
func inverseFrequencies(c Config) []float32 {
	out := make([]float32, c.HeadDim/2)
	for i := range out {
		exponent := float32(2*i) / float32(c.HeadDim)
		out[i] = 1 / float32(math.Pow(c.RopeTheta, float64(exponent)))
	}
	return out
}
