package advantage

import (
	"fmt"
	"math"
)

// GDPO scales each part of the reward on its own before they are added, so that a part of small spread is not drowned,
// and brings the sum to deviation 1 over the step.
//
//	A_i = S_i/(s + 1e-4),   S_i = Σ_k w_k·GroupScaled(part k)_i,   s over the step, with B-1
//
// parts are [groups][parts][G], weights [parts], the result [groups][G]. A sample with a missing part is missing.
//
// Source: normalize_then_sum in TRL, gdpo in verl.
func GDPO(parts [][][]float64, weights []float64) ([][]float64, error) {
	adv, scored := make([][]float64, len(parts)), make([][]float64, len(parts))
	for i, group := range parts {
		if len(group) != len(weights) {
			return nil, fmt.Errorf("gdpo: group %d has %d parts, want the %d weights'", i, len(group), len(weights))
		}
		if len(group) == 0 {
			continue
		}
		scored[i] = make([]float64, len(group[0]))
		for _, p := range group {
			for j, r := range p {
				scored[i][j] += r // NaN if any part is
			}
		}
		adv[i] = make([]float64, len(group[0]))
		for k, p := range group {
			known := make([]float64, len(p))
			for j, r := range p {
				known[j] = r
				if math.IsNaN(scored[i][j]) {
					known[j] = math.NaN()
				}
			}
			for j, a := range GroupScaled(known) {
				adv[i][j] += weights[k] * a
			}
		}
	}
	return StepScaled(adv, scored), nil
}
