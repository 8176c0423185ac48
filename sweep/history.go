package sweep

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/burnish-rl/burnish/train/run"
)

// axes are what a run can be measured along.
//
//	steps        optimizer steps
//	completions  sampled, a ranking's before the first step included
//	tokens       rows that went through the decoder: prompts and answers while sampling and while learning, a ranking's
//	seconds      those rows times what each takes on a quiet machine, see Cost; evaluations and checkpoints left out
var axes = []string{"completions", "tokens", "steps", "seconds"}

// history is a run's metrics.jsonl.
type history struct {
	lines []map[string]float64 // a line's numbers; null is absent
	along map[string][]float64 // [axis][line], what was used up when the line was written
}

// readHistory reads it; cost is nil when it isn't known.
func readHistory(dir string, end StageEnd, cost *Cost) (h history, err error) {
	path := filepath.Join(dir, run.MetricsFile)
	f, err := os.Open(path)
	if err != nil {
		return h, err
	}
	defer f.Close()
	h.along = map[string][]float64{}
	completions, tokens, seconds := 0.0, 0.0, 0.0
	if cost == nil {
		seconds, cost = math.NaN(), &Cost{}
	}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var raw map[string]*float64
		if err := json.Unmarshal(in.Bytes(), &raw); err != nil {
			return h, fmt.Errorf("%s:%d: %w", path, len(h.lines)+1, err)
		}
		line := map[string]float64{}
		for k, v := range raw {
			if v != nil {
				line[k] = *v
			}
		}
		step := line["step"]
		if step > 0 {
			completions += end.completions(line) + line["sampler/ranking_completions"]
			learnt, decoded, ranked := line["tokens_computed"], line["tokens_computed/rollout"], line["sampler/ranking_tokens"]
			tokens += learnt + decoded + ranked
			seconds += cost.Learn*learnt + cost.Rollout*decoded + cost.Ranking*ranked
		}
		h.lines = append(h.lines, line)
		h.along["steps"] = append(h.along["steps"], step)
		h.along["completions"] = append(h.along["completions"], completions)
		h.along["tokens"] = append(h.along["tokens"], tokens)
		h.along["seconds"] = append(h.along["seconds"], seconds)
	}
	return h, in.Err()
}

// series are a metric's values, and the lines they stand in.
func (h history) series(metric string) (values []float64, lines []int) {
	for i, l := range h.lines {
		if v, ok := l[metric]; ok {
			values, lines = append(values, v), append(lines, i)
		}
	}
	return values, lines
}

// completions are what a step sampled: groups that were dropped and greedy ones too, and none where it learnt from data.
func (e StageEnd) completions(line map[string]float64) float64 {
	if _, sampled := line["tokens_computed/rollout"]; !sampled {
		return 0
	}
	groups := float64(e.Prompts) + line["dropped_groups"] - line["missing_groups"]
	n := groups * float64(e.Samples)
	if _, greedy := line["reward_greedy"]; greedy {
		n += groups
	}
	return n
}

// of is a measure's value in a run, NaN when it has none.
func (m Measure) of(h history, end StageEnd) float64 {
	switch {
	case m.Metric == survives:
		return m.survives(h, end)
	case end.Failed != "":
		return math.NaN()
	case len(m.Metric) > len(probePrefix) && m.Metric[:len(probePrefix)] == probePrefix:
		return end.Probe.get(m.Metric)
	}
	values, lines := h.series(m.Metric)
	if len(values) == 0 {
		return math.NaN()
	}
	if m.In != "" {
		for i, v := range values {
			if v == m.Until || v > m.Until == (m.Better == "higher") {
				return h.along[m.In][lines[i]]
			}
		}
		return math.NaN()
	}
	best := 0
	for i, v := range values {
		if v != values[best] && v > values[best] == (m.Better == "higher") {
			best = i
		}
	}
	switch m.At {
	case "first":
		return values[0]
	case "best":
		return values[best]
	case "best_step":
		return h.along["steps"][lines[best]]
	case "mean":
		return meanOf(values, m.Last)
	}
	return values[len(values)-1]
}

// survivalSteps are the steps at both ends whose mean rewards are compared.
const survivalSteps = 10

// survives is 1 for a run that stayed finite, whose reward at the end isn't below that of the beginning, and whose policy is
// nearer to its start than most_kl nats an answer; else 0.
func (m Measure) survives(h history, end StageEnd) float64 {
	rewards, _ := h.series("reward")
	if end.Failed != "" || end.Probe == nil || len(rewards) == 0 || !(end.Probe.KL < m.MostKL) {
		return 0
	}
	if n := min(survivalSteps, len(rewards)); meanOf(rewards, n) < meanOf(rewards[:n], 0) {
		return 0
	}
	return 1
}

// meanOf is the mean of the last n, of all when n is 0.
func meanOf(v []float64, n int) float64 {
	if n > 0 && n < len(v) {
		v = v[len(v)-n:]
	}
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
