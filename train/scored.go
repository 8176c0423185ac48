package train

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train/rollout"
)

// scored is the batch as the estimators see it: what the algorithm needs of it.
func (t *Trainer) scored(b *batch) []algos.Group {
	need := t.Algo.Needs()
	groups := make([]algos.Group, len(b.groups))
	for i, g := range b.groups {
		groups[i] = algos.Group{Rewards: b.rewards[i], MaxTokens: t.Decoding.MaxTokens, Norms: map[string][]float64{}}
		for kind, norms := range b.norms { // each to its own name, so the order doesn't matter
			groups[i].Norms[kind] = norms[i]
		}
		for _, s := range g.Samples {
			groups[i].Lengths = append(groups[i].Lengths, len(s.Tokens))
		}
		if need.GreedyCompletion {
			groups[i].Greedy = scoreOf(*g.Greedy)
		}
		if need.RewardParts {
			takeParts(&groups[i], g, t.Rewards.Terms())
		}
		if need.TokenStatistics {
			takeStatistics(&groups[i], g)
		}
	}
	if need.RewardKL {
		b.takeK1(groups)
	}
	return groups
}

// takeParts fills in what the rewards' sum adds up, NaN where a part is missing.
func takeParts(to *algos.Group, g rollout.Group, terms []rewards.Term) {
	for _, term := range terms {
		part := make([]float64, len(g.Samples))
		for k, s := range g.Samples {
			part[k] = math.NaN()
			for _, p := range s.Result.Parts {
				if p.Name == term.Name {
					part[k] = p.Score
				}
			}
		}
		to.Parts, to.Weights = append(to.Parts, part), append(to.Weights, term.Weight)
	}
}

// takeStatistics fills in what sampling said of each token.
func takeStatistics(to *algos.Group, g rollout.Group) {
	for _, s := range g.Samples {
		to.LogP, to.SumP2 = append(to.LogP, float64s(s.LogProbs)), append(to.SumP2, float64s(s.SumP2))
	}
}

// takeK1 fills in old - ref of every token; a sample without a row, whose reward is missing, has none.
func (b *batch) takeK1(groups []algos.Group) {
	for i := range groups {
		groups[i].K1 = make([][]float64, len(groups[i].Rewards))
	}
	token := 0
	for _, r := range b.rows {
		k1 := make([]float64, r.trained)
		for t := range k1 {
			k1[t] = float64(r.old[t]) - b.ref[token+t]
		}
		groups[r.group].K1[r.sample] = k1
		token += r.trained
	}
}

// setTokenAdvantages takes advantages that differ within an answer.
func (b *batch) setTokenAdvantages(adv [][][]float64) error {
	b.advs = make([][]float64, len(b.groups))
	for i := range b.groups {
		b.advs[i] = make([]float64, len(b.rewards[i]))
	}
	for i := range b.rows {
		r := &b.rows[i]
		r.byToken = adv[r.group][r.sample]
		if len(r.byToken) != r.trained {
			return fmt.Errorf("step %d: prompt %d, sample %d: %d advantages of tokens, want %d", b.step, r.group, r.sample, len(r.byToken), r.trained)
		}
		for k, a := range r.byToken {
			if math.IsNaN(a) || math.IsInf(a, 0) {
				return fmt.Errorf("step %d: advantage of prompt %d, sample %d, token %d is %v, want a finite number", b.step, r.group, r.sample, k, a)
			}
			r.advantage += a / float64(r.trained)
		}
		b.advs[r.group][r.sample] = r.advantage
	}
	return nil
}

// at is the advantage of a trained token.
func (r *row) at(token int) float64 {
	if r.byToken != nil {
		return r.byToken[token]
	}
	return r.advantage
}

// still says that no token has an advantage.
func (r *row) still() bool {
	for _, a := range r.byToken {
		if a != 0 {
			return false
		}
	}
	return r.advantage == 0
}

func float64s(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}
