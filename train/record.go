package train

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/burnish-rl/burnish/internal/machine"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train/rollout"
)

// completionLine is one line of completions.jsonl.
type completionLine struct {
	Step          int            `json:"step"`
	Slot          int            `json:"slot"`
	Index         int            `json:"index"`
	Sample        int            `json:"sample"`
	PromptIDs     []int32        `json:"prompt_ids"`
	CompletionIDs []int32        `json:"completion_ids"`
	Text          string         `json:"text"`
	LogProbs      []float32      `json:"logprobs"`
	Stop          policy.Stop    `json:"stop"`
	Reference     string         `json:"reference"`
	Reward        *float64       `json:"reward"` // null: missing
	Missing       string         `json:"missing,omitempty"`
	Parts         []rewards.Part `json:"parts"`
	Advantage     float64        `json:"advantage"`            // the mean, where it differs within the answer
	Advantages    []float64      `json:"advantages,omitempty"` // of each token, where they differ
	Dropped       bool           `json:"dropped,omitempty"`    // the prompt taught nothing, and others came in its place
	Greedy        bool           `json:"greedy,omitempty"`     // not a sample: what the samples are compared with
	Label         string         `json:"label,omitempty"`      // under algorithms of labelled answers: chosen or rejected
}

// record writes the step's lines, evaluates when it is time, and saves when it is time. The lines come first: a
// checkpoint's step is always in the logs.
func (t *Trainer) record(ctx context.Context, b *batch) error {
	t.at = b.step
	m := t.stepMetrics(b)
	evaluate := t.Eval.Env != nil && (t.Eval.Every > 0 && t.at%t.Eval.Every == 0 || t.at == t.Steps && t.Eval.AtEnds)
	if evaluate {
		if err := t.evaluate(ctx, &m); err != nil {
			return err
		}
	}
	if err := t.completions.Append(t.completionLines(b)...); err != nil {
		return err
	}
	if err := t.metrics.Append(m); err != nil {
		return err
	}
	t.tell(Event{Kind: StepDone, Metrics: m, Sample: b.show()})
	if t.planned(t.at) {
		return t.save()
	}
	return nil
}

func (t *Trainer) completionLines(b *batch) []any {
	if !t.Sampled() {
		return nil
	}
	said := b.said()
	group := map[int]int{} // by slot, of those that are learned from
	for i, g := range b.groups {
		group[g.Slot] = i
	}
	byToken := map[[2]int][]float64{}
	for _, r := range b.rows {
		byToken[[2]int{r.group, r.sample}] = r.byToken
	}
	var lines []any
	for i, g := range b.sampled() {
		learned := true
		if len(b.dropped) > 0 {
			i, learned = group[g.Slot]
		}
		for k, s := range g.Samples {
			line := b.completionLine(g, s, k)
			if line.Dropped = !learned; learned {
				line.Label = said[[2]int{i, k}]
				if b.advs != nil {
					line.Advantage, line.Advantages = b.advs[i][k], byToken[[2]int{i, k}]
				}
			}
			if !t.Judged() {
				line.Reward = nil
			}
			lines = append(lines, line)
		}
		if g.Greedy != nil {
			line := b.completionLine(g, *g.Greedy, len(g.Samples))
			line.Greedy, line.Dropped = true, !learned
			lines = append(lines, line)
		}
	}
	return lines
}

func (b *batch) completionLine(g rollout.Group, s rollout.Sample, sample int) completionLine {
	line := completionLine{
		Step: b.step, Slot: g.Slot, Index: g.Index, Sample: sample, PromptIDs: g.IDs, CompletionIDs: s.Tokens, Text: s.Text,
		LogProbs: s.LogProbs, Stop: s.Stop, Reference: g.Task.Reference, Missing: s.Result.Missing, Parts: s.Result.Parts,
	}
	if s.Result.Missing == "" {
		line.Reward = &s.Result.Score
	}
	return line
}

// stepMetrics is the step's line of metrics.jsonl. Times come last, but for what an evaluation adds.
func (t *Trainer) stepMetrics(b *batch) Metrics {
	var m Metrics
	m.add("step", float64(b.step))
	n := float64(b.tokens())
	if t.Judged() {
		b.rewardMetrics(&m)
		t.refillMetrics(&m, b)
	}
	m.add("loss", b.loss)
	m.add("grad_norm", b.gradNorm)
	m.add("grad_norm_l1", b.gradL1)
	m.add("lr", b.rate)
	for _, f := range b.factors {
		m.add("lr/"+f.name, f.value)
	}
	t.addMeasures(&m, b)
	m.add("entropy", b.entropy/n) // NaN, so null, when no sample has a score
	if b.ref != nil {
		m.add("kl", b.kl/n)
		m.add("implicit_reward", b.logRatio/float64(len(b.rows)))
		m.add("implicit_reward_token", b.logRatio/n)
	}
	t.preferenceMetrics(&m, b)
	m.add("length", n/float64(len(b.rows)))
	m.add("tokens", n)
	if t.Sampled() {
		m.add("logp_gap", b.gap)
		m.add("tokens_computed/rollout", float64(b.generated))
	}
	m.add("tokens_computed", float64(b.computed))
	t.offPolicyMetrics(&m, b)
	t.samplerMetrics(&m, b)
	if t.PlannedPeak > 0 {
		m.add("memory_planned", float64(t.PlannedPeak))
	}
	if peak, ok := machine.PeakMemory(); ok {
		m.add("memory_peak", float64(peak))
	}
	total := time.Since(b.began).Seconds()
	m.add("tokens_per_second", float64(b.generated+b.computed)/total)
	if t.saved > 0 {
		b.seconds = append(b.seconds, timing{"checkpoint_before", t.saved.Seconds()})
		t.saved = 0
	}
	for _, s := range b.seconds {
		m.add("seconds/"+s.phase, s.seconds)
	}
	m.add("seconds/step", total)
	return m
}

// rewardMetrics adds the reward, its parts, and what became of the samples, those of dropped prompts too.
func (b *batch) rewardMetrics(m *Metrics) {
	var all, greedy []float64
	flat := 0
	for _, g := range b.sampled() {
		scores := scoresOf(g)
		all = append(all, scores...)
		if teachesNothing(scores) {
			flat++
		}
		if g.Greedy != nil {
			greedy = append(greedy, scoreOf(*g.Greedy))
		}
	}
	m.add("reward", meanOf(all))
	m.add("reward_std", stdOf(all))
	if greedy != nil {
		m.add("reward_greedy", meanOf(greedy))
	}
	var names []string // in the order in which the first sample has them
	parts := map[string][]float64{}
	truncated, samples := 0, 0
	for _, g := range b.sampled() {
		for _, s := range g.Samples {
			samples++
			if s.Stop == policy.StopLength {
				truncated++
			}
			for _, p := range s.Result.Parts {
				if _, seen := parts[p.Name]; !seen {
					names = append(names, p.Name)
				}
				parts[p.Name] = append(parts[p.Name], p.Score)
			}
		}
	}
	for _, name := range names {
		m.add("reward/"+name, meanOf(parts[name]))
	}
	m.add("missing", float64(b.missing))
	m.add("zero_variance_groups", float64(flat))
	m.add("zero_variance_skipped", float64(b.skipped))
	m.add("truncated", float64(truncated)/float64(max(samples, 1)))
}

// teachesNothing is true of a group whose scores are all equal, or of which fewer than two are known.
func teachesNothing(scores []float64) bool {
	known := slices.DeleteFunc(slices.Clone(scores), math.IsNaN)
	return len(known) < 2 || slices.Min(known) == slices.Max(known)
}

// show picks a completion for people: the first of the step.
func (b *batch) show() *Sample {
	all := b.sampled()
	if len(all) == 0 {
		return nil
	}
	g := all[0]
	out := &Sample{Prompt: g.Task.Text, Text: g.Task.Demonstration, Missing: "demonstration"}
	if ms := g.Task.Messages; len(ms) > 0 {
		out.Prompt = ms[len(ms)-1].Content
	}
	if len(g.Samples) > 0 {
		s := g.Samples[0]
		out.Text, out.Reward, out.Missing = s.Text, s.Result.Score, s.Result.Missing
	}
	return out
}
