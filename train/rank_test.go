package train

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/train/angle"
	"github.com/burnish-rl/burnish/train/rollout"
	"github.com/burnish-rl/burnish/train/schedule"
)

// pool is how many tasks the samplers of these tests choose from.
const pool = 17

// sampled changes a config to a sampler over few tasks.
func sampled(t *testing.T, name string, edit func(sampler.Options)) func(*Config) {
	return func(c *Config) {
		env, err := (&envs.ArithJSON{Split: envs.Train, Forms: envs.FormsJSON, Limit: pool}).Open()
		if err != nil {
			t.Fatal(err)
		}
		info, _ := sampler.Lookup(name)
		o := info.New()
		switch o := o.(type) {
		case *sampler.GainRL:
			o.EpochPrompts, o.CorrectAt = 5, 0.1 // epochs end inside a step of three
		case *sampler.PassRate:
			o.Samples, o.CorrectAt = 2, 0.1
		case *sampler.Ascending:
			o.By = "steps"
		}
		if edit != nil {
			edit(o)
		}
		if err := o.Validate(); err != nil {
			t.Fatal(err)
		}
		c.Env = env
		if c.Sampler, err = o.Open(11, pool); err != nil {
			t.Fatal(err)
		}
	}
}

// both makes two changes.
func both(a, b func(*Config)) func(*Config) {
	return func(c *Config) { a(c); b(c) }
}

// TestEverySamplerResumes: runs of every sampler, stopped anywhere, leave the same bytes, GAIN-RL also under an algorithm
// without rewards and with an adapter.
func TestEverySamplerResumes(t *testing.T) {
	runs := map[string]setup{}
	for _, info := range sampler.All() {
		runs[info.Name] = setup{threads: 2, change: sampled(t, info.Name, nil)}
	}
	gain := sampled(t, "gain-rl", nil)
	runs["gain-rl, sft"] = setup{threads: 2, change: both(supervised, gain)}
	runs["gain-rl, lora"] = setup{threads: 2, lora: true, change: gain}
	runs["gain-rl, released"] = setup{threads: 2, change: sampled(t, "gain-rl", func(o sampler.Options) {
		g := o.(*sampler.GainRL)
		g.Compat, g.Online, g.Tap = "released", "sequence", "last_mlp_in"
	})}
	for name, s := range runs {
		t.Run(name, func(t *testing.T) {
			whole := filepath.Join(t.TempDir(), "whole")
			runAll(t, s.config(t, whole))
			for _, stops := range [][]int{{3}, {1, 4}} {
				broken := filepath.Join(t.TempDir(), "broken")
				for i, stop := range append(stops, 0) {
					c := s.config(t, broken)
					c.StopAfter, c.Resume = stop, i > 0
					runAll(t, c)
				}
				sameTree(t, fmt.Sprint("stopped after ", stops), broken, whole)
			}
			s, other := s, filepath.Join(t.TempDir(), "other")
			s.threads = 3
			c := s.config(t, other)
			c.MicroBatchTokens = 1
			runAll(t, c)
			sameTree(t, "three threads, micro-batches of a group", other, whole)
		})
	}
}

// TestResumeNoticesAnotherRanking: the tasks are no longer those that the run began with.
func TestResumeNoticesAnotherRanking(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	s := setup{change: sampled(t, "gain-rl", nil)}
	c := s.config(t, dir)
	c.StopAfter = 2
	runAll(t, c)
	c = s.config(t, dir)
	c.Resume = true
	c.Env, _ = (&envs.ArithJSON{Split: envs.Train, Forms: envs.FormsJSON, Seed: 9, Limit: pool}).Open()
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "saved with ranking") {
		t.Errorf("error %v, want one about the ranking", err)
	}
}

// heard keeps every event.
type heard []Event

func (h *heard) Observe(e Event) { *h = append(*h, e) }

// spy is a ranker that keeps what it is given.
type spy struct {
	sampler.Sampler
	needs    sampler.Needs
	table    sampler.Table
	observed [][]sampler.Outcome
}

func (s *spy) Needs() sampler.Needs          { return s.needs }
func (s *spy) Rank(t sampler.Table) error    { s.table = t; return nil }
func (s *spy) Scores() []float64             { return s.table.Intra }
func (s *spy) Observe(out []sampler.Outcome) { s.observed = append(s.observed, out) }

func spied(t *testing.T, c *Config, needs sampler.Needs) *spy {
	t.Helper()
	sampled(t, "uniform", nil)(c)
	s := &spy{Sampler: c.Sampler, needs: needs}
	c.Sampler = s
	return s
}

// anglesOf measures tasks by hand, one prompt at a time.
func anglesOf(t *testing.T, c Config, tap decoder.Tap, indices []int, seg angle.Segments) (scores []angle.Score, released []float64, ids [][]int32) {
	t.Helper()
	prompts, err := rollout.Render(c.Model, c.Env, indices)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range prompts {
		ids = append(ids, p.IDs)
	}
	if seg == (angle.Segments{}) {
		seg = angle.SegmentsOf(ids)
	}
	for i := range ids {
		if err := c.Model.Hidden(ids[i:i+1], tap, 1, func(_ int, h policy.Matrix) error {
			scores = append(scores, angle.Measure(h.Data, h.Cols, seg))
			released = append(released, angle.Released(h.Data, h.Cols, seg))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return scores, released, ids
}

// TestWhatIsMeasured: every column that can be asked for, of the policy before training, and the online signal of the
// policy after a step.
func TestWhatIsMeasured(t *testing.T) {
	c := setup{threads: 2}.config(t, filepath.Join(t.TempDir(), "run"))
	var seen heard
	c.Observer, c.Steps, c.Schedule = &seen, 1, &schedule.Constant{}
	s := spied(t, &c, sampler.Needs{Tap: "last_mlp_in", Online: sampler.Prompt, Samples: 3, Metadata: "steps"})
	all := make([]int, pool)
	for i := range all {
		all[i] = i
	}
	want, released, ids := anglesOf(t, c, decoder.LastMLPIn, all, angle.Segments{})
	tr := newTrainer(t, c)
	if err := tr.Run(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range all {
		task, _ := c.Env.Task(i)
		if s.table.Intra[i] != want[i].Intra || s.table.Inter[i] != want[i].Inter || s.table.Question[i] != float64(want[i].Tokens) ||
			s.table.Tokens[i] != float64(len(ids[i])) || s.table.Released[i] != released[i] && !math.IsNaN(released[i]) ||
			fmt.Sprint(s.table.Metadata[i]) != task.Metadata["steps"] || len(s.table.Rewards[i]) != 3 {
			t.Errorf("task %d: columns aren't %+v", i, want[i])
		}
	}
	flat := slices.Concat(s.table.Rewards...)
	if slices.Min(flat) == slices.Max(flat) {
		t.Error("all rewards before training are equal")
	}
	if s.table.Budget != 3 {
		t.Errorf("budget %d, want 1 step of 3", s.table.Budget)
	}
	seg := angle.SegmentsOf(ids)
	for _, o := range s.observed[0] {
		after, _, _ := anglesOf(t, c, decoder.LastMLPIn, []int{o.Index}, seg) // the run's model is the trained one now
		if got := []float64{after[0].Intra, after[0].Inter}; !slices.Equal(o.Angles, got) || o.Angles[0] == want[o.Index].Intra {
			t.Errorf("task %d: angles %v after the step, want %v and another one than before it", o.Index, o.Angles, got)
		}
	}
	prompts, answers := 0., 0.
	for i := range all {
		prompts += s.table.Tokens[i]
	}
	if answers = tr.ranking.tokens - 2*prompts; answers < 3*pool || answers > 3*pool*float64(c.Decoding.MaxTokens) || tr.ranking.completions != 3*pool {
		t.Errorf("the ranking took %v completions of %v tokens, want %d of 1 to %d each", tr.ranking.completions, answers, 3*pool, c.Decoding.MaxTokens)
	}
	progress := 0
	for _, e := range seen {
		if e.Kind == Progress && e.Total == pool {
			progress++
		}
	}
	if progress < pool {
		t.Errorf("%d events of progress over %d prompts", progress, pool)
	}
}

// TestOnlineSequences: one angle a sample, of prompt and completion.
func TestOnlineSequences(t *testing.T) {
	for name, change := range map[string]func(*Config){"grpo": func(*Config) {}, "sft": supervised} {
		c := setup{threads: 1, change: change}.config(t, filepath.Join(t.TempDir(), "run"))
		c.Steps = 1
		s := spied(t, &c, sampler.Needs{Tap: "final_norm_out", Online: sampler.Sequence})
		runAll(t, c)
		for _, o := range s.observed[0] {
			if len(o.Angles) != c.Samples || slices.Contains(o.Angles, 0) || (name == "sft") != (o.Rewards == nil) {
				t.Errorf("%s: outcome %+v, want %d angles", name, o, c.Samples)
			}
		}
	}
}

// TestAnglesAreMeasuredOnce a model and data: the second run reads the cache, and a damaged one is measured again, with a
// note.
func TestAnglesAreMeasuredOnce(t *testing.T) {
	cache := t.TempDir()
	measure := func(edit func(*Config)) (sampler.Table, int, string) {
		c := setup{threads: 1}.config(t, filepath.Join(t.TempDir(), "run"))
		var seen heard
		s := spied(t, &c, sampler.Needs{Tap: "final_norm_out"})
		c.Observer, c.Cache = &seen, cache
		if edit != nil {
			edit(&c)
		}
		newTrainer(t, c)
		measured, notes := 0, ""
		for _, e := range seen {
			switch e.Kind {
			case Progress:
				measured++
			case Note:
				notes += e.Text + "\n"
			}
		}
		return s.table, measured, notes
	}
	files := func() []string {
		found, err := filepath.Glob(filepath.Join(cache, "angles-v1", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	first, n, _ := measure(nil)
	if n != pool || len(files()) != 1 {
		t.Fatalf("%d prompts measured, files %v", n, files())
	}
	again, n, _ := measure(nil)
	if n != 0 || fmt.Sprint(first) != fmt.Sprint(again) {
		t.Errorf("%d prompts measured again, or other numbers", n)
	}
	path := files()[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, spoilt := range map[string]string{
		"with another hash than was written":  string(whole[:len(whole)-9]),
		"found measurements of another model": "# 00 00\n",
	} {
		if err := os.WriteFile(path, []byte(spoilt), 0o644); err != nil {
			t.Fatal(err)
		}
		got, n, notes := measure(nil)
		if n != pool || fmt.Sprint(got) != fmt.Sprint(first) || !strings.Contains(notes, what) || !strings.Contains(notes, "measured again") {
			t.Errorf("%s: %d prompts measured, notes %q", what, n, notes)
		}
		if now, _ := os.ReadFile(path); string(now) != string(whole) {
			t.Errorf("%s: the cache isn't mended", what)
		}
	}
	if _, n, _ := measure(func(c *Config) {
		p := c.Model.Params()[3]
		rows := c.Model.Read(p, p.Data)
		rows[0]++
		c.Model.Write(p, p.Data, rows)
	}); n != pool || len(files()) != 2 {
		t.Errorf("another model: %d prompts measured, files %v", n, files())
	}
	if _, n, notes := measure(func(c *Config) { c.Cache = path }); n != pool || !strings.Contains(notes, "measurements are not kept") {
		t.Errorf("a cache that can't be written: %d prompts measured, notes %q", n, notes)
	}
}

func TestRankingErrors(t *testing.T) {
	for want, spoil := range map[string]func(*Config, *spy){
		"the environment has no end": func(c *Config, s *spy) {
			c.Env, _ = (&envs.ArithJSON{Split: envs.Train, Forms: envs.FormsJSON}).Open()
		},
		`tap "middle", want one of`:        func(c *Config, s *spy) { s.needs.Tap = "middle" },
		`no "quality" in its metadata`:     func(c *Config, s *spy) { s.needs.Metadata = "quality" },
		`form is "wanted" in its metadata`: func(c *Config, s *spy) { s.needs.Metadata = "form" },
		"nothing is judged in this run":    func(c *Config, s *spy) { supervised(c); s.needs.Samples = 2 },
	} {
		c := setup{threads: 1}.config(t, filepath.Join(t.TempDir(), "run"))
		spoil(&c, spied(t, &c, sampler.Needs{}))
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// TestSamplerMetrics: what the sampler reports stands in every line, how its score goes with length in the first.
func TestSamplerMetrics(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	s := setup{threads: 2, change: sampled(t, "gain-rl", nil)}
	c := s.config(t, dir)
	c.Eval = Evaluation{}
	runAll(t, c)
	for i, m := range metricLines(t, dir) {
		_, correlated := m["sampler/length_correlation"]
		_, mean := m["sampler/mean"]
		if correlated != (i == 0) || !mean || m["sampler/completed_once"] < 3 {
			t.Errorf("line %d: %v", i+1, m)
		}
	}
	if last := metricLines(t, dir)[5]; last["sampler/epoch"] != 3 || last["sampler/mean"] == 0 {
		t.Errorf("after 18 prompts in epochs of 5 to 6: epoch %v, mean %v", last["sampler/epoch"], last["sampler/mean"])
	}
}

// TestTapsHaveTheDecodersNames: the sampler can't ask the decoder itself.
func TestTapsHaveTheDecodersNames(t *testing.T) {
	var names []string
	for _, tap := range decoder.Taps {
		names = append(names, string(tap))
	}
	if !slices.Equal(names, sampler.TapNames) {
		t.Errorf("the sampler knows %v, the decoder %v", sampler.TapNames, names)
	}
}

// TestRewardsBeforeTrainingAreKept with the run: a resumed one doesn't sample again.
func TestRewardsBeforeTrainingAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 1}.config(t, dir)
	first := spied(t, &c, sampler.Needs{Samples: 2})
	c.StopAfter = 1
	runAll(t, c)
	c = setup{threads: 1}.config(t, dir)
	var seen heard
	again := spied(t, &c, sampler.Needs{Samples: 2})
	c.Resume, c.Observer = true, &seen
	tr := newTrainer(t, c)
	if err := tr.Run(context.Background(), context.Background()); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(first.table) != fmt.Sprint(again.table) || slices.ContainsFunc(seen, func(e Event) bool { return e.Kind == Progress && e.Total == pool }) {
		t.Error("sampled again, or other rewards")
	}
}
