package eval

import (
	"context"
	"fmt"

	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train/implicit"
)

// Implicit asks for the implicit reward of the answers, β·log(π/π_ref).
type Implicit struct {
	Pair policy.Pair
	Beta float64 // > 0
}

// ImplicitRewards judges answers: a sum over its tokens each. Log-probs are at temperature 1, whatever the answers were
// sampled at, so that the metric is one of the two models alone.
func ImplicitRewards(ctx context.Context, o Implicit, answers []Answer) ([]float64, error) {
	r := rewards.ImplicitReward{Beta: o.Beta, Normalise: rewards.Sum}
	r.Use(implicit.Scorer(o.Pair))
	attempts := make([]rewards.Attempt, len(answers))
	for i, a := range answers {
		attempts[i] = rewards.Attempt{PromptIDs: a.IDs, IDs: a.Tokens}
	}
	results, err := r.ScoreBatch(ctx, attempts)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(results))
	for i, result := range results {
		if result.Missing != "" {
			return nil, fmt.Errorf("task %s: implicit reward: %s", answers[i].Task.ID, result.Missing)
		}
		out[i] = result.Score
	}
	return out, nil
}

// addImplicit adds the mean over answers of their sums, and of their means over tokens.
func (r *Report) addImplicit(sums []float64, answers []Answer) {
	perToken := make([]float64, len(sums))
	for i, s := range sums {
		perToken[i] = s / float64(max(len(answers[i].Tokens), 1))
	}
	for _, m := range []struct {
		name   string
		values []float64
	}{{"implicit_reward", sums}, {"implicit_reward_token", perToken}} {
		mean, low, high := MeanInterval(m.values)
		r.Metrics = append(r.Metrics, Metric{m.name, mean, low, high, len(m.values), UnitReward})
	}
}
