package train

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/algos/loss"
	"github.com/burnish-rl/burnish/policy"
)

// microBatch is the rows [from, to) of a batch: whole prompt groups.
type microBatch struct {
	*batch
	from, to int
	token    int  // index of its first trained token in the batch's vectors
	still    bool // no sample has an advantage
}

// cut makes micro-batches of at most budget decoder rows each, between prompt groups only. A group larger than the
// budget stands alone. With apart, groups in which no sample has an advantage share none with the others.
func (b *batch) cut(budget int, apart bool) []microBatch {
	var cuts []microBatch
	size, token := 0, 0
	for i := 0; i < len(b.rows); {
		end, cost, trained, still := i, len(b.prompts[b.rows[i].group]), 0, apart
		for end < len(b.rows) && b.rows[end].group == b.rows[i].group {
			cost += max(len(b.rows[end].tokens)-1, 0) // a last token is no decoder row
			trained += b.rows[end].trained
			still = still && b.rows[end].advantage == 0
			end++
		}
		if n := len(cuts); n == 0 || size+cost > budget || still != cuts[n-1].still {
			cuts = append(cuts, microBatch{batch: b, from: i, token: token, still: still})
			size = 0
		}
		size += cost
		token += trained
		cuts[len(cuts)-1].to = end
		i = end
	}
	return cuts
}

// pack is the micro-batch for the policy.
func (m microBatch) pack(d policy.Decoding) policy.Batch {
	out := policy.Batch{Temperature: d.LogProbTemperature()}
	last := -1
	for _, r := range m.rows[m.from:m.to] {
		if r.group != last {
			out.Prompts = append(out.Prompts, m.prompts[r.group])
			last = r.group
		}
		out.Rows = append(out.Rows, policy.Row{Prompt: len(out.Prompts) - 1, Tokens: r.tokens, Train: r.train, Recorded: r.recorded})
	}
	return out
}

// checkGap compares the training forward pass with what the rollout said of the same tokens. On the CPU they are
// the same bits, so any difference means that the weights or the arithmetic changed in between.
func (m microBatch) checkGap(logp []float32) error {
	i := 0
	for _, r := range m.rows[m.from:m.to] {
		for t, old := range r.old {
			gap := math.Abs(float64(logp[i+t]) - float64(old))
			if !(gap <= m.gap) {
				m.gap = gap
			}
			if math.IsNaN(gap) || gap != 0 {
				return fmt.Errorf("step %d: prompt %d, sample %d, token %d: log-prob %v when sampled, %v when trained on; the gap must be 0: the policy learned from is not the one that spoke", m.step, r.group, r.sample, t, old, logp[i+t])
			}
		}
		i += r.trained
	}
	return nil
}

// inputs are the vectors of the loss expression, in float64.
func (m microBatch) inputs(logp []float32) loss.Inputs {
	n := len(logp)
	in := loss.Inputs{LogP: make([]float64, n), Weights: m.weights[m.token : m.token+n]}
	for i, v := range logp {
		in.LogP[i] = float64(v)
	}
	for _, r := range m.rows[m.from:m.to] {
		in.Lengths = append(in.Lengths, r.trained)
	}
	if m.ref != nil {
		in.Ref = m.ref[m.token : m.token+n]
	}
	if m.rows[m.from].old == nil {
		return in
	}
	for _, r := range m.rows[m.from:m.to] {
		for _, old := range r.old {
			in.Old = append(in.Old, float64(old))
			in.Adv = append(in.Adv, r.advantage)
		}
	}
	return in
}

// observe adds the micro-batch to the step's sums, token by token, so that no sum depends on where the step was cut.
func (m microBatch) observe(tokens *policy.Tokens, out loss.Output) {
	m.computed += tokens.Computed
	for i, h := range tokens.Entropy {
		m.loss += m.weights[m.token+i] * out.Term[i]
		m.entropy += float64(h)
		if m.ref != nil {
			u := float64(tokens.LogP[i]) - m.ref[m.token+i]
			m.kl += math.Exp(-u) + u - 1 // k3
			m.ratio += u
		}
	}
}
