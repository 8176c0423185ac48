package advantage

// The functions of this file change rewards before an estimator sees them.

// LessKL takes the KL to the reference out of a reward, by the unbiased estimate k1.
//
//	R' = R - β·Σ_t (old_t - ref_t)
//
// rewards, kl (the sums) and the result are [G]. beta >= 0. In the loss k1 would have a gradient of mean zero; through
// the advantage it has the true one.
//
// Source: Ahmadian et al. 2024, arXiv:2402.14740; use_kl_in_reward in verl.
func LessKL(rewards, kl []float64, beta float64) []float64 {
	out := make([]float64, len(rewards))
	for i, r := range rewards {
		out[i] = r - beta*kl[i]
	}
	return out
}

// Overlong is the soft punishment of long answers, to be added to the reward.
//
//	0 for T <= limit-buffer;   ((limit-buffer) - T)/buffer up to limit;   -1 beyond
//
// length, limit and buffer in tokens, 0 < buffer <= limit. limit 20480 and buffer 4096 in the paper.
//
// Source: DAPO, Yu et al. 2025, arXiv:2503.14476.
func Overlong(length, limit, buffer int) float64 {
	switch free := limit - buffer; {
	case length <= free:
		return 0
	case length <= limit:
		return float64(free-length) / float64(buffer)
	}
	return -1
}
