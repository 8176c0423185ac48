package advantage

// RLOO judges each sample by the mean of the others, which keeps the gradient unbiased.
//
//	A_i = R_i - mean of R_j, j ≠ i = (R_i - μ)·G/(G-1)
//
// rewards and the result are [G]; G counts the scored samples.
//
// Source: Ahmadian et al. 2024, arXiv:2402.14740; Kool et al. 2019.
func RLOO(rewards []float64) []float64 {
	out := GroupCentred(rewards)
	if n := momentsOf(rewards).n; n > 1 {
		for i := range out {
			out[i] *= n / (n - 1)
		}
	}
	return out
}
