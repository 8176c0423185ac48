package advantage

import "fmt"

// MaxRL weighs prompts by how rarely they are solved, which follows the likelihood of a right answer and not its
// probability.
//
//	A_i = (R_i - μ)/(μ + 1e-4)
//
// rewards and the result are [G]. Rewards are 0 and 1, or at least not negative: a mean below 0 would turn the sign.
// The 1e-4 is ours.
//
// Source: arXiv:2602.02710, formula second-hand.
func MaxRL(rewards []float64) ([]float64, error) {
	m := momentsOf(rewards)
	if m.n > 0 && m.low < 0 {
		return nil, fmt.Errorf("maxrl: reward %v, want none below 0: advantages are divided by their mean", m.low)
	}
	out := GroupCentred(rewards)
	if !m.flat() {
		for i := range out {
			out[i] /= m.mean() + epsilon
		}
	}
	return out, nil
}
