package train

import (
	"slices"

	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/train/angle"
)

// observe tells the sampler what became of its tasks, and of the angles under the policy as it is after the step when it
// asked for them.
func (t *Trainer) observe(b *batch) error {
	out := b.outcomes()
	if t.ranking.needs.Online != "" {
		if err := t.onlineAngles(b, out); err != nil {
			return err
		}
	}
	t.Sampler.Observe(out)
	return nil
}

// onlineAngles measures the step's prompts again, or its whole sequences.
func (t *Trainer) onlineAngles(b *batch, out []sampler.Outcome) error {
	defer b.time("angles")()
	var ids [][]int32
	var of []int // the slot of each
	if t.ranking.needs.Online == sampler.Prompt {
		for i, g := range b.sampled() {
			ids, of = append(ids, g.IDs), append(of, i)
		}
	} else {
		for _, r := range b.rows {
			ids, of = append(ids, slices.Concat(b.prompts[r.group], r.tokens)), append(of, b.groups[r.group].Slot)
		}
		for _, g := range b.dropped {
			for _, s := range g.Samples {
				if s.Result.Missing == "" {
					ids, of = append(ids, slices.Concat(g.IDs, s.Tokens)), append(of, g.Slot)
				}
			}
		}
	}
	return t.Model.Hidden(ids, decoder.Tap(t.ranking.needs.Tap), t.MicroBatchTokens, func(i int, h policy.Matrix) error {
		o := &out[of[i]]
		if t.ranking.needs.Online == sampler.Prompt {
			s := angle.Measure(h.Data, h.Cols, t.ranking.segments)
			o.Angles = []float64{s.Intra, s.Inter}
		} else {
			o.Angles = append(o.Angles, angle.ReleasedOnline(h.Data, h.Cols))
		}
		return nil
	})
}

// samplerMetrics adds what the sampler reports of itself. The first step's line also says how far its score is one of
// prompt length, and what the measurements took.
func (t *Trainer) samplerMetrics(m *Metrics, b *batch) {
	if r, ok := t.Sampler.(sampler.Reporter); ok {
		for _, x := range r.Report() {
			m.add("sampler/"+x.Name, x.Value)
		}
	}
	if t.ranking.done && b.step == 1 {
		m.add("sampler/length_correlation", t.ranking.correlation)
		m.add("sampler/ranking_tokens", t.ranking.tokens)
		m.add("sampler/ranking_completions", t.ranking.completions)
		b.seconds = append([]timing{{rankPhase, t.ranking.seconds}}, b.seconds...)
	}
}
