package algos

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/algos/advantage"
)

// TokenAdvantages are those of baseline token. What it is shrunk towards are the energies and rewards of the tokens of
// earlier steps.
func (a *oblrRun) TokenAdvantages(groups []Group) ([][][]float64, error) {
	prior := a.prior.Prior(a.Kappa)
	out := make([][][]float64, len(groups))
	rewards, energies := make([][]float64, len(groups)), make([][]float64, len(groups))
	for i, g := range groups {
		if err := a.check(i, g); err != nil {
			return nil, err
		}
		if len(g.LogP) != len(g.Rewards) || len(g.SumP2) != len(g.Rewards) {
			return nil, fmt.Errorf("advantage: group %d: statistics of %d and %d samples, want %d", i, len(g.LogP), len(g.SumP2), len(g.Rewards))
		}
		energy := make([][]float64, len(g.LogP))
		for j, logp := range g.LogP {
			for t, l := range logp {
				energy[j] = append(energy[j], advantage.Energy(math.Exp(l), g.SumP2[j][t]))
				rewards[i], energies[i] = append(rewards[i], g.Rewards[j]), append(energies[i], energy[j][t])
			}
		}
		out[i] = advantage.UpToTokenLeaveOneOut(g.Rewards, energy, prior)
		if a.ScaleRewards == "group" {
			for _, tokens := range out[i] {
				scaleByDeviation(tokens, g.Rewards)
			}
		}
	}
	a.measures, a.notes = nil, nil
	if a.bias() != "" {
		a.show("biased", 1)
	}
	a.show("baseline/kappa", prior.Kappa)
	a.show("baseline/b0", prior.Baseline)
	a.prior.Observe(rewards, energies)
	return out, nil
}
