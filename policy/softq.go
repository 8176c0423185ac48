package policy

// SoftQ is a text read as a walk of a soft-optimal policy, a number a token; s_t is the text before token a_t. In nats:
// a reward's β multiplies all of it.
//
//	Q(s, a) = z(a) - log π_ref(a|s)         z: the policy's logits
//	V(s)    = logsumexp z(s)                = log Σ_a π_ref(a|s)·exp Q(s, a)
//	A(s, a) = Q - V = log π/π_ref           the implicit reward of a token
//	r_t     = Q(s_t, a_t) - V(s_{t+1})      V after the last token is 0
//
// Softmax ignores shifts of z, so of all these only A is fixed by what the policy does; Q, V and r are as tame as the
// logits are. V's telescope: Σ r_t = Σ A_t + V(s_0).
//
// Source: logits as Q values of models after SFT and DPO: Wang et al. 2025, arXiv:2507.00018; soft-optimal policies:
// Rafailov et al. 2024, arXiv:2404.12358.
type SoftQ struct {
	LogP, Ref []float64 // log π, log π_ref
	Q, V      []float64
	Advantage []float64 // A
	Reward    []float64 // r
}

// SoftQ reads the tokens that follow a prompt, which has one token at least.
func (p Pair) SoftQ(prompt, tokens []int32) (SoftQ, error) {
	b := Batch{Prompts: [][]int32{prompt}, Rows: []Row{{Tokens: tokens}}}
	logp, ref, err := p.LogProbs(b)
	if err != nil || len(tokens) == 0 {
		return SoftQ{}, err
	}
	packed, _, err := b.pack()
	if err != nil {
		return SoftQ{}, err
	}
	z, v, err := p.Policy.dec.Logits(packed)
	if err != nil {
		return SoftQ{}, err
	}
	return softQ(wide(logp), wide(ref), z, v), nil
}

// softQ is SoftQ from log π, log π_ref, the tokens' logits and the logsumexp of all logits before each token.
func softQ(logp, ref, z, v []float64) SoftQ {
	out := SoftQ{LogP: logp, Ref: ref, V: v}
	for t := range z {
		next := 0.0
		if t+1 < len(v) {
			next = v[t+1]
		}
		out.Q = append(out.Q, z[t]-ref[t])
		out.Advantage = append(out.Advantage, logp[t]-ref[t])
		out.Reward = append(out.Reward, z[t]-ref[t]-next)
	}
	return out
}

func wide(xs []float32) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = float64(x)
	}
	return out
}
