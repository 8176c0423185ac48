package algos

import (
	"math"
	"testing"

	"github.com/burnish-rl/burnish/algos/loss"
	"github.com/burnish-rl/burnish/internal/rng"
)

// TestClippedTokensHaveNoGradient: what an algorithm says that it cuts off are the tokens whose gradient is 0, and no others.
func TestClippedTokensHaveNoGradient(t *testing.T) {
	for _, term := range []string{"clip", "two_sided", "dual_clip", "gspo", "gspo_token", "sequence_clip", "gmpo", "dppo_tv"} {
		a := &OnPolicy{Term: term, ClipLow: 0.2, ClipHigh: 0.3, Limit: 1.6}
		in := loss.Inputs{}
		for i := range uint32(240) {
			old := -3 * rng.Uniform(1, rng.Tasks, rng.At{A: i})
			moved := 0.7 * rng.Normal(2, rng.Tasks, rng.At{A: i})
			if len(in.Lengths) == 0 || in.Lengths[len(in.Lengths)-1] == 3 {
				in.Lengths = append(in.Lengths, 0)
			}
			in.Lengths[len(in.Lengths)-1]++
			in.Old, in.LogP = append(in.Old, old), append(in.LogP, min(old+moved, 0))
			in.Adv = append(in.Adv, []float64{1.5, -0.5, 0, -2}[(len(in.Lengths)-1)%4])
			in.Weights = append(in.Weights, 0.1)
		}
		out, err := loss.Eval(a.Objective(), in)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[Side]int{}
		for i, side := range a.Clipped(in) {
			seen[side]++
			if cut := out.DLogP[i] == 0 && in.Adv[i] != 0; cut != (side != Within) {
				t.Errorf("%s: token %d: ratio %v, advantage %v, gradient %v, and its side is %v", term, i, math.Exp(in.LogP[i]-in.Old[i]), in.Adv[i], out.DLogP[i], side)
			}
		}
		if seen[Within] == 0 || seen[Below] == 0 || seen[Above] == 0 {
			t.Errorf("%s: sides %v, want some of each", term, seen)
		}
	}
}

func TestClippedWeights(t *testing.T) {
	in := loss.Inputs{LogP: []float64{-1, -1, -1}, Old: []float64{-1, -3, -4}, Adv: []float64{1, -1, 1}, Lengths: []int{3}}
	if got := (&OnPolicy{Term: "cispo", Limit: 5}).Clipped(in); got[0] != Within || got[1] != Above || got[2] != Above {
		t.Errorf("cispo: sides %v", got)
	}
	if got := (&OBLRPO{ClipLow: 0.2, ClipHigh: 0.2}).Clipped(in); got[0] != Within || got[1] != Within || got[2] != Above {
		t.Errorf("oblr-po: sides %v", got)
	}
	if got := (&OnPolicy{Term: "reinforce"}).Clipped(in); got != nil {
		t.Errorf("reinforce: sides %v, want none", got)
	}
}
