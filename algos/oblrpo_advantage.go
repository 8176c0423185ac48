package algos

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/burnish-rl/burnish/algos/advantage"
)

// Needs asks for row norms under a weighted baseline and for gradient statistics under the rate's factor.
func (a *oblrRun) Needs() Needs {
	token := a.Baseline == "token"
	return Needs{Reference: a.KLCoef > 0, SyncRef: a.SyncRef, RowNorms: a.kinds(), GradStats: a.SNR.On, TokenStatistics: token, TokenAdvantages: token}
}

// Advantages compares every sample with the baseline.
func (a *oblrRun) Advantages(groups []Group) ([][]float64, error) {
	if a.Baseline == "token" {
		return nil, errors.New("advantage: baseline token gives one for each token")
	}
	for i, g := range groups {
		if err := a.check(i, g); err != nil {
			return nil, err
		}
	}
	out := make([][]float64, len(groups))
	kind := a.weighing()
	prior := a.prior.Prior(a.Kappa)
	for i, g := range groups {
		out[i] = a.against(g, kind, prior)
	}
	a.measure(groups, kind, prior, out)
	a.observe(groups)
	if a.ScaleRewards == "group" {
		for i, g := range groups {
			scaleByDeviation(out[i], g.Rewards)
		}
	}
	return out, nil
}

// against gives a group's advantages; kind "" is unweighted.
func (a *oblrRun) against(g Group, kind string, prior advantage.Prior) []float64 {
	switch {
	case a.Baseline == "none":
		return zeroMissing(g.Rewards)
	case a.Baseline == "mean":
		return advantage.GroupCentred(g.Rewards)
	case kind == "": // rloo, by choice of the user or of the probe
		return advantage.WeightedLeaveOneOut(g.Rewards, nil, advantage.Prior{})
	}
	return advantage.WeightedLeaveOneOut(g.Rewards, g.Norms[kind], prior)
}

// check refuses numbers that no advantage can be made of.
func (a *oblrRun) check(i int, g Group) error {
	for j, r := range g.Rewards {
		if math.IsInf(r, 0) {
			return fmt.Errorf("advantage: group %d: reward of sample %d is %v, want a finite number", i, j, r)
		}
	}
	for _, kind := range a.kinds() {
		w := g.Norms[kind]
		if len(w) != len(g.Rewards) {
			return fmt.Errorf("advantage: group %d: %d row norms of kind %s, want %d", i, len(w), kind, len(g.Rewards))
		}
		for j, x := range w {
			if !math.IsNaN(g.Rewards[j]) && !(x >= 0 && !math.IsInf(x, 0)) {
				return fmt.Errorf("advantage: group %d: row norm %s of sample %d is %v, want a finite number >= 0", i, kind, j, x)
			}
		}
	}
	return nil
}

// scaleByDeviation divides by the group's standard deviation, as [advantage.GroupScaled] does.
func scaleByDeviation(advantages, rewards []float64) {
	centred, scaled := advantage.GroupCentred(rewards), advantage.GroupScaled(rewards)
	for i, c := range centred {
		if c != 0 {
			for j := range advantages {
				advantages[j] *= scaled[i] / c
			}
			return
		}
	}
}

func zeroMissing(rewards []float64) []float64 {
	out := slices.Clone(rewards)
	for i, r := range out {
		if math.IsNaN(r) {
			out[i] = 0
		}
	}
	return out
}
