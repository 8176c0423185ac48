package train

import (
	"fmt"
	"math"
	"slices"

	"github.com/burnish-rl/burnish/algos"
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
		end, cost, trained, still := i, 0, 0, apart
		for end < len(b.rows) && b.together(b.rows[end].group, b.rows[i].group) {
			if end == i || b.rows[end].group != b.rows[end-1].group {
				cost += len(b.prompts[b.rows[end].group])
			}
			cost += max(len(b.rows[end].tokens)-1, 0) // a last token is no decoder row
			trained += b.rows[end].trained
			still = still && b.rows[end].still()
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

// together says that two groups belong to one unit.
func (b *batch) together(i, j int) bool {
	return i == j || b.labels.unit != nil && b.labels.unit[i] == b.labels.unit[j]
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

// size is the micro-batch's trained tokens.
func (m microBatch) size() (n int) {
	for _, r := range m.rows[m.from:m.to] {
		n += r.trained
	}
	return n
}

// checkGap compares the training forward pass with what the rollout said of the same tokens. On the CPU they are
// the same bits, so any difference means that the weights or the arithmetic changed in between. From the second update
// on, the policy is not the one that spoke.
func (m microBatch) checkGap(logp []float32) error {
	if m.update > 0 {
		return nil
	}
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

// inputs are the vectors of the loss expression, in float64: what the algorithm needs of the policy's numbers, and what
// the batch knows.
func (m microBatch) inputs(p numbers, need algos.Needs) loss.Inputs {
	n := len(p.logp)
	in := loss.Inputs{LogP: float64s(p.logp), Weights: m.weights[m.token : m.token+n]}
	if need.Entropy {
		in.Entropy = float64s(p.entropy)
	}
	if need.SumP2 {
		in.SumP2 = float64s(p.sumP2)
	}
	if m.factor != nil {
		in.Factor = m.factor[m.token : m.token+n]
	}
	for _, r := range m.rows[m.from:m.to] {
		in.Lengths = append(in.Lengths, r.trained)
	}
	if m.ref != nil {
		in.Ref = m.ref[m.token : m.token+n]
	}
	m.labelled(&in)
	if !m.sampledWhole() {
		return in
	}
	for _, r := range m.rows[m.from:m.to] {
		for k, old := range r.old {
			in.Old = append(in.Old, float64(old))
			in.Adv = append(in.Adv, r.at(k))
		}
	}
	return in
}

// sampledWhole says that every row was sampled by the policy under its own prompt.
func (m microBatch) sampledWhole() bool {
	return !slices.ContainsFunc(m.rows[m.from:m.to], func(r row) bool { return r.old == nil })
}

// observe adds the micro-batch to the step's sums, token by token, so that no sum depends on where the step was cut.
func (m microBatch) observe(tokens *policy.Tokens, out loss.Output) {
	m.computed += tokens.Computed
	m.observeRows(tokens.LogP)
	for i, h := range tokens.Entropy {
		m.loss += m.weights[m.token+i] * out.Term[i]
		m.entropy += float64(h)
		if m.ref != nil {
			u := float64(tokens.LogP[i]) - m.ref[m.token+i]
			m.kl += k3(u)
			m.logRatio += u
		}
	}
}

// k3 estimates a KL divergence from a log-ratio u of a sample (Schulman 2020).
func k3(u float64) float64 { return math.Exp(-u) + u - 1 }
