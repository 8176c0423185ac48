package loss

import (
	"fmt"
	"math"
	"slices"
)

// The functions of this file make Inputs.Factor, constant multipliers of the policy's term, from what is known before
// the first micro-batch. All vectors are [N], sequences in order; several kinds multiply.

// Importance corrects for a sampler whose arithmetic differs from the trainer's, by w = e^{old - sampled} a token.
//
//	token_truncate     min(w, limit)          token_mask     w where w <= limit, else 0
//	sequence_truncate, sequence_mask          the same on the product of w over the sequence
//
// sampled is NaN where it isn't known: w is 1 there. limit > 0: 3 in TRL, 2 in verl.
//
// Source: Yao et al. 2025, "Your efficient RL framework secretly brings you off-policy RL training" (TIS); TRL's names.
func Importance(kind string, old, sampled []float64, lengths []int, limit float64) ([]float64, error) {
	mask, sequence := false, false
	switch kind {
	case "token_truncate":
	case "token_mask":
		mask = true
	case "sequence_truncate":
		sequence = true
	case "sequence_mask":
		mask, sequence = true, true
	default:
		return nil, fmt.Errorf("importance is %q, want one of token_truncate, token_mask, sequence_truncate, sequence_mask", kind)
	}
	w := make([]float64, len(old))
	for i := range w {
		if !math.IsNaN(sampled[i]) {
			w[i] = old[i] - sampled[i]
		}
	}
	if sequence {
		spreadSums(w, lengths)
	}
	for i, v := range w {
		w[i] = math.Exp(v)
		switch {
		case w[i] <= limit:
		case mask:
			w[i] = 0
		default:
			w[i] = limit
		}
	}
	return w, nil
}

// spreadSums replaces every value by the sum of its sequence.
func spreadSums(v []float64, lengths []int) {
	i := 0
	for _, n := range lengths {
		sum := 0.0
		for _, x := range v[i : i+n] {
			sum += x
		}
		for t := range n {
			v[i+t] = sum
		}
		i += n
	}
}

// EntropyMask is 1 on the share of tokens with the highest entropy, over all trained tokens of the step, and 0 on the
// rest: decisions are made there. share in (0, 1]; 0.2 in the paper. The threshold is a quantile with linear
// interpolation; a token on it stays.
//
// Source: Wang et al. 2025, arXiv:2506.01939.
func EntropyMask(entropy []float64, share float64) []float64 {
	out := make([]float64, len(entropy))
	if len(entropy) == 0 {
		return out
	}
	sorted := slices.Clone(entropy)
	slices.Sort(sorted)
	at := (1 - share) * float64(len(sorted)-1)
	if whole := math.Round(at); math.Abs(at-whole) < 1e-9 {
		at = whole // so that rounding of the product doesn't drop the token on the threshold
	}
	k := min(int(at), len(sorted)-1)
	next := min(k+1, len(sorted)-1)
	threshold := sorted[k] + (at-float64(k))*(sorted[next]-sorted[k])
	for i, h := range entropy {
		if h >= threshold {
			out[i] = 1
		}
	}
	return out
}

// OffPolicyMask is 0 on bad answers (A < 0) that the policy has moved away from: where the mean of sampled - logp over
// the answer exceeds limit. logp and sampled are [N], adv is [B], one for each length.
//
// Source: DeepSeek-V3.2, arXiv:2512.02556; off_policy_mask_threshold in TRL.
func OffPolicyMask(logp, sampled, adv []float64, lengths []int, limit float64) []float64 {
	out := make([]float64, len(logp))
	i := 0
	for s, n := range lengths {
		moved := 0.0
		for t := range n {
			moved += (sampled[i+t] - logp[i+t]) / float64(n)
		}
		for t := range n {
			if adv[s] >= 0 || moved <= limit {
				out[i+t] = 1
			}
		}
		i += n
	}
	return out
}

// GeometricMean replaces every weight by the geometric mean over its sequence; where one is 0, all are.
func GeometricMean(w []float64, lengths []int) []float64 {
	logs := make([]float64, len(w))
	for i, v := range w {
		logs[i] = math.Log(v)
	}
	spreadSums(logs, lengths)
	i := 0
	for _, n := range lengths {
		for range n {
			logs[i] = math.Exp(logs[i] / float64(n))
			i++
		}
	}
	return logs
}
