package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"time"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/train/angle"
	"github.com/burnish-rl/burnish/train/rollout"
)

// ranking is what stays of the measurements that a sampler asked for.
type ranking struct {
	needs       sampler.Needs
	segments    angle.Segments
	correlation float64 // of the sampler's score with prompt length, Spearman
	tokens      float64 // that went through the decoder for it, or would have without a cache
	completions float64 // the same
	seconds     float64
	done        bool
}

// rankPhase is the phase of the measurements.
const rankPhase = "ranking"

// rank measures what the sampler wants to know of every task, with the policy as it stands before the first step, and
// hands it over.
func (t *Trainer) rank() error {
	r, ok := t.Sampler.(sampler.Ranker)
	if !ok {
		return nil
	}
	start := time.Now()
	t.tell(Event{Kind: Phase, Phase: rankPhase})
	sized, ok := t.Env.(envs.Sized)
	if !ok {
		return errors.New("train: the sampler looks at all tasks first, and the environment has no end")
	}
	indices := make([]int, sized.Len())
	for i := range indices {
		indices[i] = i
	}
	prompts, err := rollout.Render(t.Model, t.Env, indices)
	if err != nil {
		return err
	}
	table := sampler.Table{Budget: t.Steps * t.Prompts}
	for _, p := range prompts {
		table.Tokens = append(table.Tokens, float64(len(p.IDs)))
	}
	t.ranking.needs = r.Needs()
	if err := t.measure(prompts, &table); err != nil {
		return fmt.Errorf("ranking: %w", err)
	}
	if err := r.Rank(table); err != nil {
		return err
	}
	t.ranking.done, t.ranking.seconds = true, time.Since(start).Seconds()
	scores := r.Scores()
	t.ranking.correlation = sampler.Spearman(scores, table.Tokens)
	without := 0
	for _, s := range scores {
		if math.IsNaN(s) {
			without++
		}
	}
	t.tell(Event{Kind: Note, Text: fmt.Sprintf("%d prompts ranked, %d of them without a score; the rank correlation (Spearman) of the score with prompt length is %.3f",
		len(prompts), without, t.ranking.correlation)})
	return nil
}

// measure fills the columns that the sampler needs.
func (t *Trainer) measure(prompts []rollout.Prompt, table *sampler.Table) (err error) {
	need := t.ranking.needs
	if need.Metadata != "" {
		if table.Metadata, err = metadataColumn(prompts, need.Metadata); err != nil {
			return err
		}
	}
	if need.Tap != "" {
		if err := t.measureAngles(prompts, table); err != nil {
			return err
		}
	}
	if need.Samples > 0 {
		return t.measureRewards(prompts, table)
	}
	return nil
}

// metadataColumn reads a number a task.
func metadataColumn(prompts []rollout.Prompt, key string) ([]float64, error) {
	out := make([]float64, len(prompts))
	for i, p := range prompts {
		text, ok := p.Task.Metadata[key]
		if !ok {
			return nil, fmt.Errorf("task %s: no %q in its metadata", p.Task.ID, key)
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) {
			return nil, fmt.Errorf("task %s: %s is %q in its metadata, want a number", p.Task.ID, key, text)
		}
		out[i] = v
	}
	return out, nil
}

// angleColumns are the columns of the cache.
var angleColumns = []string{"intra", "inter", "question_tokens", "released"}

// measureAngles runs one forward pass over all prompts, unless the same model has seen the same prompts before.
func (t *Trainer) measureAngles(prompts []rollout.Prompt, table *sampler.Table) error {
	tap, err := decoder.ParseTap(t.ranking.needs.Tap)
	if err != nil {
		return err
	}
	ids := make([][]int32, len(prompts))
	for i, p := range prompts {
		ids[i] = p.IDs
	}
	t.ranking.segments = angle.SegmentsOf(ids)
	key := cacheKey("angles 1 "+string(tap), t.Model, ids)
	path := ""
	if t.Cache != "" {
		path = filepath.Join(t.Cache, "angles-v1", key[:32]+".tsv")
	}
	columns, err := t.cached(path, key, angleColumns, len(ids), func() ([][]float64, error) {
		columns := make([][]float64, len(angleColumns))
		err := t.Model.Hidden(ids, tap, t.MicroBatchTokens, func(i int, h policy.Matrix) error {
			s := angle.Measure(h.Data, h.Cols, t.ranking.segments)
			for k, v := range []float64{s.Intra, s.Inter, float64(s.Tokens), angle.Released(h.Data, h.Cols, t.ranking.segments)} {
				columns[k] = append(columns[k], v)
			}
			t.tell(Event{Kind: Progress, Done: i + 1, Total: len(ids)})
			return nil
		})
		return columns, err
	})
	if err != nil {
		return err
	}
	table.Intra, table.Inter, table.Question, table.Released = columns[0], columns[1], columns[2], columns[3]
	t.ranking.tokens += sum(table.Tokens)
	return nil
}

// rewardsFile holds the rewards of the samples that were taken before the first step. They can't be shared between runs: a
// reward may be any program.
const rewardsFile = "rewards_before.tsv"

// rankStep keys the draws of these samples apart from those of every step and evaluation.
const rankStep = evalStep - 1

// measureRewards samples every task and scores the samples.
func (t *Trainer) measureRewards(prompts []rollout.Prompt, table *sampler.Table) error {
	if t.Rewards == nil || !t.Judged() {
		return errors.New("the sampler needs rewards of every task, and nothing is judged in this run: give it a column of the data")
	}
	samples := t.ranking.needs.Samples
	ids := make([][]int32, len(prompts))
	names := []string{"completion_tokens"}
	for k := range samples {
		names = append(names, fmt.Sprint("reward_", k))
	}
	for i, p := range prompts {
		ids[i] = p.IDs
	}
	d := t.Decoding
	d.Seed, d.Step, d.Record = t.Seed, rankStep, nil
	key := cacheKey(fmt.Sprintf("rewards 1 %d %d %+v %d %q", samples, d.Seed, d.Decoding, d.MaxTokens, d.Stop), t.Model, ids)
	columns, err := t.cached(t.folder.Path(rewardsFile), key, names, len(prompts), func() ([][]float64, error) {
		columns := make([][]float64, len(names))
		for from := 0; from < len(prompts); from += t.Prompts {
			part := prompts[from:min(from+t.Prompts, len(prompts))]
			groups, _, err := rollout.Generate(context.Background(), t.Model, part, samples, d)
			if err != nil {
				return nil, err
			}
			if err := rollout.Score(context.Background(), t.Rewards, groups, 0); err != nil {
				return nil, err
			}
			for _, g := range groups {
				tokens := 0
				for k, s := range g.Samples {
					tokens += len(s.Tokens)
					columns[1+k] = append(columns[1+k], rewardOf(s))
				}
				columns[0] = append(columns[0], float64(tokens))
			}
			t.tell(Event{Kind: Progress, Done: from + len(part), Total: len(prompts)})
		}
		return columns, nil
	})
	if err != nil {
		return err
	}
	table.Rewards = make([][]float64, len(prompts))
	for i := range table.Rewards {
		for k := range samples {
			table.Rewards[i] = append(table.Rewards[i], columns[1+k][i])
		}
	}
	t.ranking.tokens += sum(table.Tokens) + sum(columns[0])
	t.ranking.completions += float64(samples * len(prompts))
	return nil
}

func sum(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v
	}
	return total
}

// rewardOf is a sample's reward, NaN when it is missing.
func rewardOf(s rollout.Sample) float64 {
	if s.Result.Missing != "" {
		return math.NaN()
	}
	return s.Result.Score
}

// cacheKey names a measurement: what is measured, the model, and the prompts in its tokens, which template, tokenizer and
// data have all gone into.
func cacheKey(what string, m *policy.Model, prompts [][]int32) string {
	h := sha256.New()
	fingerprint := m.Fingerprint()
	fmt.Fprintf(h, "%s\n%x\n", what, fingerprint)
	var b []byte
	for _, p := range prompts {
		b = binary.LittleEndian.AppendUint32(b[:0], uint32(len(p)))
		for _, id := range p {
			b = binary.LittleEndian.AppendUint32(b, uint32(id))
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}
