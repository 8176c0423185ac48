package algos

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/burnish-rl/burnish/algos/advantage"
)

// estimator is one choice of the option advantage. Either groups or tokens is there.
type estimator struct {
	name   string
	needs  Needs
	groups func(a *OnPolicy, groups []Group) ([][]float64, error)
	tokens func(a *OnPolicy, groups []Group) ([][][]float64, error)
}

// estimators are the advantages, in the order of the documentation.
var estimators = []estimator{
	{name: "group", groups: apart(advantage.GroupScaled)},
	{name: "group_biased", groups: apart(advantage.GroupScaledBiased)},
	{name: "centred", groups: apart(advantage.GroupCentred)},
	{name: "none", groups: apart(advantage.Raw)},
	{name: "batch", groups: together(advantage.BatchScaled)},
	{name: "rloo", groups: apart(advantage.RLOO)},
	{name: "rloo_normalized", groups: together(func(r [][]float64) [][]float64 {
		adv := make([][]float64, len(r))
		for i, g := range r {
			adv[i] = advantage.RLOO(g)
		}
		return advantage.StepScaled(adv, r)
	})},
	{name: "gpg", groups: together(advantage.GPG)},
	{name: "opo", groups: eachGroup(func(_ *OnPolicy, g Group) ([]float64, error) {
		return advantage.OPO(g.Rewards, g.Lengths), nil
	})},
	{name: "reinforce_pp", groups: func(a *OnPolicy, groups []Group) ([][]float64, error) {
		adv, err := whitenedReturns(a, groups)
		return firsts(adv), err
	}, tokens: whitenedReturns},
	{name: "reinforce_pp_baseline", groups: func(_ *OnPolicy, groups []Group) ([][]float64, error) {
		lengths := make([][]int, len(groups))
		for i, g := range groups {
			lengths[i] = g.Lengths
		}
		return advantage.ReinforcePPBaseline(rewardsOf(groups), lengths), nil
	}},
	{name: "remax", needs: Needs{GreedyCompletion: true}, groups: eachGroup(func(_ *OnPolicy, g Group) ([]float64, error) {
		return advantage.ReMax(g.Rewards, g.Greedy), nil
	})},
	{name: "maxrl", groups: eachGroup(func(_ *OnPolicy, g Group) ([]float64, error) { return advantage.MaxRL(g.Rewards) })},
	{name: "pass_at_k", groups: eachGroup(func(a *OnPolicy, g Group) ([]float64, error) {
		return advantage.PassAtK(g.Rewards, a.PassK)
	})},
	{name: "best_minus_second", groups: apart(advantage.BestMinusSecond)},
	{name: "gdpo", needs: Needs{RewardParts: true}, groups: func(_ *OnPolicy, groups []Group) ([][]float64, error) {
		if len(groups) == 0 {
			return nil, nil
		}
		parts := make([][][]float64, len(groups))
		for i, g := range groups {
			parts[i] = g.Parts
		}
		return advantage.GDPO(parts, groups[0].Weights)
	}},
	{name: "optimal_token", needs: Needs{TokenStatistics: true, TokenAdvantages: true},
		tokens: func(_ *OnPolicy, groups []Group) ([][][]float64, error) {
			out := make([][][]float64, len(groups))
			for i, g := range groups {
				out[i] = advantage.OptimalToken(g.Rewards, g.LogP, g.SumP2)
			}
			return out, nil
		}},
}

func (a *OnPolicy) estimator() (estimator, error) {
	var names []string
	for _, e := range estimators {
		if e.name == a.Advantage {
			return e, nil
		}
		names = append(names, e.name)
	}
	return estimator{}, fmt.Errorf("advantage is %q, want one of %s", a.Advantage, strings.Join(names, ", "))
}

// apart judges each group alone.
func apart(f func([]float64) []float64) func(*OnPolicy, []Group) ([][]float64, error) {
	return eachGroup(func(_ *OnPolicy, g Group) ([]float64, error) { return f(g.Rewards), nil })
}

// together judges the whole step.
func together(f func([][]float64) [][]float64) func(*OnPolicy, []Group) ([][]float64, error) {
	return func(_ *OnPolicy, groups []Group) ([][]float64, error) { return f(rewardsOf(groups)), nil }
}

func eachGroup(f func(*OnPolicy, Group) ([]float64, error)) func(*OnPolicy, []Group) ([][]float64, error) {
	return func(a *OnPolicy, groups []Group) ([][]float64, error) {
		out := make([][]float64, len(groups))
		for i, g := range groups {
			var err error
			if out[i], err = f(a, g); err != nil {
				return nil, fmt.Errorf("advantage: group %d: %w", i, err)
			}
		}
		return out, nil
	}
}

func rewardsOf(groups []Group) [][]float64 {
	out := make([][]float64, len(groups))
	for i, g := range groups {
		out[i] = g.Rewards
	}
	return out
}

// whitenedReturns are REINFORCE++'s, whose KL is a cost along the answer and not of its reward.
func whitenedReturns(a *OnPolicy, groups []Group) ([][][]float64, error) {
	k1, beta := make([][][]float64, len(groups)), 0.0
	if a.rewardKL() {
		beta = a.KLCoef
	}
	for i, g := range groups {
		k1[i] = g.K1
		if beta == 0 {
			k1[i] = make([][]float64, len(g.Rewards))
			for j, n := range g.Lengths {
				k1[i][j] = make([]float64, n)
			}
		} else if len(g.K1) != len(g.Rewards) {
			return nil, errNoKL
		}
	}
	return advantage.ReinforcePP(rewardsOf(groups), k1, beta), nil
}

// firsts is the one advantage of each sample when all its tokens have the same.
func firsts(tokens [][][]float64) [][]float64 {
	out := make([][]float64, len(tokens))
	for i, g := range tokens {
		out[i] = make([]float64, len(g))
		for j, t := range g {
			if len(t) > 0 {
				out[i][j] = t[0]
			}
		}
	}
	return out
}

var errNoKL = errors.New("advantage: the KL to the reference is part of the reward, and was not given")

// shaped are the groups with what changes rewards before they are compared: overlong answers and the KL.
func (a *OnPolicy) shaped(groups []Group) ([]Group, error) {
	out := make([]Group, len(groups))
	for i, g := range groups {
		r := append([]float64(nil), g.Rewards...)
		for j, v := range r {
			if math.IsInf(v, 0) {
				return nil, fmt.Errorf("advantage: group %d: reward of sample %d is %v, want a finite number", i, j, v)
			}
			if a.OverlongBuffer > 0 {
				if a.OverlongBuffer > g.MaxTokens {
					return nil, fmt.Errorf("overlong_buffer is %d, want at most the %d tokens of a completion", a.OverlongBuffer, g.MaxTokens)
				}
				r[j] += advantage.Overlong(g.Lengths[j], g.MaxTokens, a.OverlongBuffer)
			}
		}
		if a.rewardKL() && a.Advantage != "reinforce_pp" {
			if len(g.K1) != len(r) {
				return nil, errNoKL
			}
			kl := make([]float64, len(r))
			for j, tokens := range g.K1 {
				for _, v := range tokens {
					kl[j] += v
				}
			}
			r = advantage.LessKL(r, kl, a.KLCoef)
		}
		out[i] = g
		out[i].Rewards = r
	}
	return out, nil
}
