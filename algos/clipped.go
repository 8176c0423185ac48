package algos

import (
	"math"

	"github.com/burnish-rl/burnish/algos/loss"
)

// Side says where a token's ratio of new to old policy stands to the bounds of an objective.
type Side int8

const (
	Within Side = iota
	Below       // cut off: a bad token (A < 0) that has become rarer by more than its bound
	Above       // cut off: a good one that has become likelier, or any beyond an absolute limit
)

// Clipper is an algorithm that cuts tokens off where the policy has gone far enough.
type Clipper interface {
	// Clipped gives the side of each token, [N]; nil when the objective cuts nothing off.
	Clipped(in loss.Inputs) []Side
}

// Clipped tells the tokens whose term is cut off. Under cispo it is their weight alone.
func (a *OnPolicy) Clipped(in loss.Inputs) []Side {
	switch a.Term {
	case "clip", "two_sided", "dual_clip", "cispo":
		return eachSide(in, in.LogP, in.Old, func(u, adv float64, _ int) Side { return a.side(math.Exp(u), adv) })
	case "gspo", "gspo_token", "sequence_clip":
		logp, old := sequenceSums(in, in.LogP), sequenceSums(in, in.Old)
		lengths := tokenLengths(in)
		return eachSide(in, logp, old, func(u, adv float64, i int) Side {
			if a.Term != "sequence_clip" {
				u /= lengths[i]
			}
			return a.side(math.Exp(u), adv)
		})
	case "gmpo":
		return eachSide(in, in.LogP, in.Old, func(u, adv float64, _ int) Side { return a.side(1+u, adv) })
	case "dppo_tv":
		return eachSide(in, in.LogP, in.Old, func(_, adv float64, i int) Side {
			return a.side(1+math.Exp(in.LogP[i])-math.Exp(in.Old[i]), adv)
		})
	}
	return nil
}

// Clipped is that of the clipped surrogate.
func (a *OBLRPO) Clipped(in loss.Inputs) []Side {
	return (&OnPolicy{Term: "clip", ClipLow: a.ClipLow, ClipHigh: a.ClipHigh}).Clipped(in)
}

// side compares a ratio with the objective's bounds.
func (a *OnPolicy) side(ratio, adv float64) Side {
	switch {
	case a.Term == "cispo":
		if ratio > a.Limit {
			return Above
		}
	case adv > 0 && ratio > 1+a.ClipHigh:
		return Above
	case adv < 0 && ratio < 1-a.ClipLow:
		return Below
	case adv < 0 && ratio > a.Limit && (a.Term == "two_sided" || a.Term == "dual_clip"):
		return Above
	}
	return Within
}

func eachSide(in loss.Inputs, logp, old []float64, side func(u, adv float64, i int) Side) []Side {
	out := make([]Side, len(logp))
	for i := range out {
		out[i] = side(logp[i]-old[i], in.Adv[i], i)
	}
	return out
}

// sequenceSums gives each token the sum of its sequence.
func sequenceSums(in loss.Inputs, v []float64) []float64 {
	out, at := make([]float64, 0, len(v)), 0
	for _, n := range in.Lengths {
		sum := 0.0
		for _, x := range v[at : at+n] {
			sum += x
		}
		for range n {
			out = append(out, sum)
		}
		at += n
	}
	return out
}

// tokenLengths gives each token the length of its sequence.
func tokenLengths(in loss.Inputs) (out []float64) {
	for _, n := range in.Lengths {
		for range n {
			out = append(out, float64(n))
		}
	}
	return out
}
