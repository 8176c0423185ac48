package advantage

// GAE is generalised advantage estimation along one sequence.
//
//	δ_t = r_t + γ·V_{t+1} - V_t,   A_t = δ_t + γλ·A_{t+1};   after the last trained token both are 0
//
// rewards, values and the result are [T]. trained may be nil, for all; the tokens it leaves out (a tool's, the
// environment's) are carried across: neither their value nor a step of γ counts, and their advantage is 0. gamma and
// lambda in [0, 1]. The return, for a critic, is A_t + V_t before any whitening. PPO with a critic is not in this
// version; this is for your own.
//
// Source: Schulman et al. 2015, arXiv:1506.02438.
func GAE(rewards, values []float64, trained []bool, gamma, lambda float64) []float64 {
	out := make([]float64, len(rewards))
	next, value := 0.0, 0.0
	for t := len(rewards) - 1; t >= 0; t-- {
		if trained != nil && !trained[t] {
			continue
		}
		next = rewards[t] + gamma*value - values[t] + gamma*lambda*next
		value = values[t]
		out[t] = next
	}
	return out
}
