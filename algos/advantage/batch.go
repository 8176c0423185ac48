package advantage

import "math"

// BatchScaled centres within each group and scales by the deviation of all rewards of the step, so that a group of
// nearly equal rewards is not blown up.
//
//	A_i = (R_i - μ_group)/(s_batch + 1e-4),   s_batch with B-1
//
// groups and the result are [groups][G].
//
// Source: scale_rewards "batch" of TRL; Liu et al. 2025, arXiv:2508.08221.
func BatchScaled(groups [][]float64) [][]float64 {
	out := centred(groups)
	var m moments
	var all []float64
	for _, g := range groups {
		for _, r := range g {
			m.add(r)
			all = append(all, r)
		}
	}
	if m.flat() {
		return out
	}
	scale(out, 1/(m.deviation(all, 1)+epsilon))
	return out
}

// GPG centres within each group and makes up for samples without a reward.
//
//	A_i = (R_i - μ_group)·B/#(R ≠ 0)
//
// groups and the result are [groups][G]; B counts the scored samples.
//
// Source: GPG, Chu et al. 2025, arXiv:2504.02546; verl's gpg.
func GPG(groups [][]float64) [][]float64 {
	out := centred(groups)
	scored, rewarded := 0.0, 0.0
	for _, g := range groups {
		for _, r := range g {
			if math.IsNaN(r) {
				continue
			}
			scored++
			if r != 0 {
				rewarded++
			}
		}
	}
	if rewarded > 0 {
		scale(out, scored/rewarded)
	}
	return out
}

// StepScaled brings centred advantages to deviation 1 over the step.
//
//	A_i/(s + 1e-4),   s with B-1
//
// adv and the result are [groups][G]; samples whose reward is missing stay out. Every group's mean is 0 already, so none
// is subtracted: equal rewards keep exactly 0.
func StepScaled(adv, rewards [][]float64) [][]float64 {
	var m moments
	var all []float64
	out := make([][]float64, len(adv))
	for i, g := range adv {
		out[i] = append([]float64{}, g...)
		for j, a := range g {
			if !math.IsNaN(rewards[i][j]) {
				m.add(a)
				all = append(all, a)
			}
		}
	}
	if !m.flat() {
		scale(out, 1/(m.deviation(all, 1)+epsilon))
	}
	return out
}

func centred(groups [][]float64) [][]float64 {
	out := make([][]float64, len(groups))
	for i, g := range groups {
		out[i] = GroupCentred(g)
	}
	return out
}

func scale(groups [][]float64, by float64) {
	for _, g := range groups {
		for i := range g {
			g[i] *= by
		}
	}
}
