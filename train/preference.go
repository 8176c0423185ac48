package train

import (
	"math"

	"github.com/burnish-rl/burnish/algos"
)

// said names what was said of samples, by group and sample.
func (b *batch) said() map[[2]int]string {
	out := map[[2]int]string{}
	for _, r := range b.rows {
		switch r.side {
		case chosen:
			out[[2]int{r.group, r.sample}] = "chosen"
		case rejected:
			out[[2]int{r.group, r.sample}] = "rejected"
		}
	}
	return out
}

// preferenceMetrics adds how far the policy agrees with the labels, as it was before the step. An answer's reward is what
// the algorithm says (see [algos.Implicit]); drift is how the log-prob of answers has changed since the stage began.
func (t *Trainer) preferenceMetrics(m *Metrics, b *batch) {
	need := t.Algo.Needs()
	if !need.Labelled() {
		return
	}
	rewards := t.implicitRewards(b)
	if need.Principles {
		b.principleMetrics(m, rewards)
		return
	}
	if need.Pairs {
		m.add("preference/pairs", float64(len(b.rows)/2))
		if t.Sampled() {
			m.add("preference/without_pair", float64(b.labels.without))
		}
		m.add("preference/accuracy", pairAccuracy(rewards))
	}
	of := func(s side, value func(i int) float64) float64 {
		var v []float64
		for i, r := range b.rows {
			if r.side == s {
				v = append(v, value(i))
			}
		}
		return meanOf(v)
	}
	reward := func(i int) float64 { return rewards[i] }
	logp := func(i int) float64 { return b.labels.logp[i] }
	better, worse := of(chosen, reward), of(rejected, reward)
	m.add("preference/margin", better-worse)
	m.add("preference/reward_chosen", better)
	m.add("preference/reward_rejected", worse)
	m.add("preference/logp_chosen", of(chosen, logp))
	m.add("preference/logp_rejected", of(rejected, logp))
	if b.ref != nil {
		ref := b.referenceSums()
		drift := func(i int) float64 { return b.labels.logp[i] - ref[i] }
		m.add("preference/drift_chosen", of(chosen, drift))
		m.add("preference/drift_rejected", of(rejected, drift))
	}
	if need.Unpaired {
		m.add("preference/desirable", float64(countSide(b.rows, chosen)))
		m.add("preference/undesirable", float64(countSide(b.rows, rejected)))
	}
	if need.Mismatched {
		m.add("preference/reference_point", max(0, meanOf(b.labels.mismatched)))
	}
}

func countSide(rows []row, s side) (n int) {
	for _, r := range rows {
		if r.side == s {
			n++
		}
	}
	return n
}

// referenceSums are the reference's log-probs of each row.
func (b *batch) referenceSums() []float64 {
	out := make([]float64, len(b.rows))
	at := 0
	for i, r := range b.rows {
		for _, v := range b.ref[at : at+r.trained] {
			out[i] += v
		}
		at += r.trained
	}
	return out
}

// implicitRewards are the rewards that the policy stands for, [rows].
func (t *Trainer) implicitRewards(b *batch) []float64 {
	beta, perToken := 1.0, false
	if a, ok := t.Algo.(algos.Implicit); ok {
		beta, perToken = a.ImplicitReward()
	}
	out := make([]float64, len(b.rows))
	copy(out, b.labels.logp)
	if b.ref != nil {
		for i, v := range b.referenceSums() {
			out[i] -= v
		}
	}
	for i, r := range b.rows {
		out[i] *= beta
		if perToken {
			out[i] /= float64(r.trained)
		}
	}
	return out
}

// pairAccuracy is the share of pairs whose chosen answer has the larger reward; equal is not larger. NaN without pairs.
func pairAccuracy(rewards []float64) float64 {
	right := 0.0
	for i := 0; i+1 < len(rewards); i += 2 {
		if rewards[i] > rewards[i+1] {
			right++
		}
	}
	return right / float64(len(rewards)/2)
}

// principleMetrics adds how well principles and the answers written under them find each other: the share that is likeliest
// in its row and in its column, and how far their own log-probs are above those of the others.
func (b *batch) principleMetrics(m *Metrics, values []float64) {
	c := b.labels.grid
	right, tries := 0.0, 0.0
	var own, others []float64
	for block := 0; block+c*c <= len(values); block += c * c {
		at := func(i, j int) float64 { return values[block+i*c+j] }
		for i := range c {
			row, column := true, true
			for j := range c {
				if j == i {
					own = append(own, at(i, i))
					continue
				}
				others = append(others, at(i, j))
				row = row && at(i, i) > at(i, j)
				column = column && at(i, i) > at(j, i)
			}
			for _, yes := range []bool{row, column} {
				tries++
				if yes {
					right++
				}
			}
		}
	}
	if tries == 0 {
		right = math.NaN()
	}
	m.add("preference/accuracy", right/max(tries, 1))
	m.add("preference/margin", meanOf(own)-meanOf(others))
}
