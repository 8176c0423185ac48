package train

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train/angle"
)

// judgedBy sets one reward made of a function.
func judgedBy(c *Config, f scorer) {
	list, err := rewards.NewComposite([]rewards.Weighted{{Name: "f", Weight: 1, Reward: f}})
	if err != nil {
		panic(err)
	}
	c.Rewards = list
}

// drawnAgain is DAPO where the prompts of the first round teach nothing.
func drawnAgain(c *Config) {
	c.Algo = algorithm("dapo")
	judgedBy(c, func(a rewards.Attempt, p rewards.Place) rewards.Result {
		if p.Slot < 3 {
			return rewards.Result{Score: 1}
		}
		return lengthAndPlace(a, p)
	})
}

// drawnInPart is DAPO where every third prompt teaches nothing, one of them because its scores are missing.
func drawnInPart(c *Config) {
	c.Algo = algorithm("dapo")
	judgedBy(c, func(a rewards.Attempt, p rewards.Place) rewards.Result {
		switch {
		case p.Slot == 3 && p.Sample > 0:
			return rewards.Result{Missing: "out"}
		case p.Slot%3 == 1:
			return rewards.Result{Score: 0.5}
		}
		return lengthAndPlace(a, p)
	})
}

// observed keeps what a sampler is asked for and told.
type observed struct {
	sampler.Sampler
	asked []int
	told  []sampler.Outcome
}

func (s *observed) Next(n int) []int {
	s.asked = append(s.asked, n)
	return s.Sampler.Next(n)
}

func (s *observed) Observe(out []sampler.Outcome) {
	s.told = append(s.told, out...)
	s.Sampler.Observe(out)
}

// TestDroppedPromptsAreReplaced: the step learns from three prompts that teach something. The sampler hears of all, the
// metrics count all that was sampled, and the log has all, in the order of slots.
func TestDroppedPromptsAreReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: func(c *Config) { oneStep(c); drawnInPart(c) }}.config(t, dir)
	c.Algo.(*algos.OnPolicy).Reduce = "sequence_mean" // gradientByHand's
	s := &observed{Sampler: c.Sampler}
	c.Sampler = s
	runAll(t, c)
	// Slots 0 1 2, then 3 for 1, then 4 for 3, then 5 for 4, which is dropped as 1 was.
	if want := []int{3, 1, 1, 1}; !slices.Equal(s.asked, want[:len(s.asked)]) || len(s.asked) < 3 {
		t.Fatalf("the sampler was asked for %v tasks", s.asked)
	}
	rows, m := completionLines(t, dir), metricLines(t, dir)[0]
	var kept, dropped []int
	computed, sum, scored, missing, tokens := 0.0, 0.0, 0.0, 0.0, 0.0
	for i, r := range rows {
		if r.Slot != i/4 || r.Sample != i%4 {
			t.Fatalf("line %d is slot %d, sample %d", i, r.Slot, r.Sample)
		}
		if r.Sample == 0 {
			computed += float64(len(r.PromptIDs))
			if r.Dropped {
				dropped = append(dropped, r.Slot)
			} else {
				kept = append(kept, r.Slot)
			}
		}
		computed += float64(len(r.CompletionIDs) - 1)
		switch {
		case r.Reward == nil:
			missing++
		default:
			sum, scored = sum+*r.Reward, scored+1
		}
		if r.Dropped && r.Advantage != 0 {
			t.Errorf("slot %d was dropped and has advantage %v", r.Slot, r.Advantage)
		}
		if !r.Dropped {
			tokens += float64(len(r.CompletionIDs))
		}
	}
	if !slices.Equal(kept, []int{0, 2, 5}) || !slices.Equal(dropped, []int{1, 3, 4}) {
		t.Errorf("slots %v are kept and %v dropped, want 0 2 5 and 1 3 4", kept, dropped)
	}
	if len(s.told) != len(rows)/4 {
		t.Errorf("the sampler heard of %d tasks, want all %d", len(s.told), len(rows)/4)
	}
	for i, o := range s.told {
		if o.Index != rows[4*i].Index || len(o.Rewards) != 4 || i == 3 != math.IsNaN(o.Rewards[1]) {
			t.Errorf("outcome %d: %+v", i, o)
		}
	}
	for name, want := range map[string]float64{"tokens_computed/rollout": computed, "tokens": tokens, "reward": sum / scored, "missing": missing,
		"zero_variance_groups": 3, "dropped_groups": 3, "missing_groups": 0, "rounds": 4, "length": tokens / 12} {
		near(t, name, m[name], want, 1e-12)
	}
	m["tokens_computed/rollout"] = m["tokens_computed"] // what follows knows only what was learned from
	gradientByHand(t, c.Model, m, slices.DeleteFunc(rows, func(r completionLine) bool { return r.Dropped }))
}

// TestRoundsAreBounded: when they run out the step learns from what there is, here from one prompt, and then from none.
func TestRoundsAreBounded(t *testing.T) {
	for _, one := range []bool{true, false} {
		dir := filepath.Join(t.TempDir(), "run")
		c := setup{threads: 2, change: oneStep}.config(t, dir)
		c.Algo = algorithm("dapo")
		c.Algo.(*algos.OnPolicy).DynamicSampling = 3
		byFunction(t, &c, func(a rewards.Attempt, p rewards.Place) rewards.Result {
			if one && p.Slot == 4 {
				return lengthAndPlace(a, p)
			}
			return rewards.Result{Score: 1}
		})
		before := weightsOf(c.Model)
		runAll(t, c)
		m := metricLines(t, dir)[0]
		want := map[string]float64{"rounds": 3, "dropped_groups": 9, "missing_groups": 3, "tokens": 0, "grad_norm": 0}
		if one {
			want = map[string]float64{"rounds": 3, "dropped_groups": 7, "missing_groups": 2}
		}
		for name, v := range want {
			near(t, name, m[name], v, 0)
		}
		if moved := !sameBits(weightsOf(c.Model), before); moved != one {
			t.Errorf("one prompt %v: the weights moved %v", one, moved)
		}
	}
}

// TestRefillsAreAnsweredAnew: the slot runs on, so one task all the time is answered differently in every round; and it
// is the slot alone: as much in one round has the same answers.
func TestRefillsAreAnsweredAnew(t *testing.T) {
	texts := func(prompts int, flat func(slot int) bool) map[string]string {
		dir := filepath.Join(t.TempDir(), "run")
		c := setup{threads: 2, change: oneStep}.config(t, dir)
		task, err := c.Env.Task(0)
		if err != nil {
			t.Fatal(err)
		}
		c.Env, c.Prompts, c.Algo = always{task}, prompts, algorithm("dapo")
		byFunction(t, &c, func(a rewards.Attempt, p rewards.Place) rewards.Result {
			if flat(p.Slot) {
				return rewards.Result{Score: 1}
			}
			return lengthAndPlace(a, p)
		})
		runAll(t, c)
		out := map[string]string{}
		for _, r := range completionLines(t, dir) {
			out[fmt.Sprint(r.Slot, " ", r.Sample)] = fmt.Sprint(r.CompletionIDs)
		}
		return out
	}
	refilled, atOnce := texts(3, func(slot int) bool { return slot < 5 }), texts(8, func(int) bool { return false })
	if len(refilled) != 32 || len(atOnce) != 32 {
		t.Fatalf("%d and %d answers, want 32", len(refilled), len(atOnce))
	}
	seen := map[string]bool{}
	for place, text := range refilled {
		if text != atOnce[place] {
			t.Errorf("slot and sample %s: %s in a later round, %s at once", place, text, atOnce[place])
		}
		seen[text] = true
	}
	if len(seen) < 24 { // short ones may meet by chance
		t.Errorf("32 answers of one prompt are %d different ones", len(seen))
	}
}

// TestRefillsBesideARecording: rows of later rounds aren't recorded and have their own forward pass; no bit changes.
func TestRefillsBesideARecording(t *testing.T) {
	whole, recorded := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "recorded")
	s := setup{threads: 2, change: func(c *Config) { drawnInPart(c); c.Steps, c.Eval = 3, Evaluation{} }}
	runAll(t, s.config(t, whole))
	for _, rows := range []int{1, 1 << 20} {
		c := s.config(t, recorded+fmt.Sprint(rows))
		c.RecordedLayers, c.RecordedRows, c.MicroBatchTokens = 2, 2000, rows
		runAll(t, c)
		sameTree(t, fmt.Sprint("recorded, micro-batches of ", rows), c.Dir, whole)
	}
}

// TestDroppedPromptsHaveAngles: a sampler that asks for the online signal has it of every prompt, each at its own.
func TestDroppedPromptsHaveAngles(t *testing.T) {
	for _, online := range []string{sampler.Prompt, sampler.Sequence} {
		c := setup{threads: 2, change: func(c *Config) { oneStep(c); drawnInPart(c) }}.config(t, filepath.Join(t.TempDir(), "run"))
		s := spied(t, &c, sampler.Needs{Tap: "final_norm_out", Online: online})
		tr := newTrainer(t, c)
		if err := tr.Run(t.Context(), t.Context()); err != nil {
			t.Fatal(err)
		}
		all := make([]int, pool)
		for i := range all {
			all[i] = i
		}
		_, _, ids := anglesOf(t, c, decoder.FinalNormOut, all, angle.Segments{})
		out := s.observed[0]
		if len(out) != 6 {
			t.Fatalf("%d outcomes, want 6", len(out))
		}
		for slot, o := range out {
			after, _, _ := anglesOf(t, c, decoder.FinalNormOut, []int{o.Index}, angle.SegmentsOf(ids))
			scored := 4
			if slot == 3 {
				scored = 1
			}
			if online == sampler.Prompt && !slices.Equal(o.Angles, []float64{after[0].Intra, after[0].Inter}) || online == sampler.Sequence && len(o.Angles) != scored {
				t.Errorf("%s: slot %d: angles %v of task %d, want %+v", online, slot, o.Angles, o.Index, after[0])
			}
		}
	}
}
