package train

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/rewards"
)

// severalUpdates has 2 epochs of 2 mini-batches of 2 prompts.
func severalUpdates(c *Config) { c.Prompts, c.BatchPrompts, c.Epochs = 4, 2, 2 }

// TestMiniBatchesByHand follows two steps of plain gradient descent, four updates each, through the policy alone: every
// mini-batch has its own token weights, ratios are to the log-probs of the rollout, and advantages those of the rollout.
func TestMiniBatchesByHand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: func(c *Config) {
		oneStep(c)
		severalUpdates(c)
		c.Steps, c.Rate = 2, 2
		byFunction(t, c, lengthAndPlace)
	}}.config(t, dir)
	tr := newTrainer(t, c)
	if err := tr.Run(context.Background(), context.Background()); err != nil {
		t.Fatal(err)
	}
	model := openModel(t, cpu.New(2))
	model.EnableGrads()
	lines := completionLines(t, dir)
	for step, m := range metricLines(t, dir) {
		rows := lines[16*step : 16*step+16]
		want := byHand{t: t, model: model, rows: rows, rate: 2}
		for n := range 4 {
			want.update(tr.members(4, step+1, n), n > 0)
		}
		near(t, "loss", m["loss"], want.loss/4, 1e-6)
		near(t, "grad_norm", m["grad_norm"], want.norm/4, 1e-6*want.norm)
		near(t, "entropy", m["entropy"], want.entropy/(2*want.tokens), 1e-6)
		near(t, "updates", m["updates"], float64(4*step+4), 0)
		near(t, "ratio", m["ratio"], want.ratio/want.later, 1e-6)
		near(t, "approx_kl", m["approx_kl"], want.kl/want.later, 1e-6)
		near(t, "clipped", m["ratio/clipped_low"]+m["ratio/clipped_high"], want.clipped/want.later, 0)
		if want.clipped == 0 {
			t.Error("nothing was clipped, so little is tested")
		}
		near(t, "gap", m["logp_gap"], 0, 0)
	}
	got, want := weightsOf(c.Model), weightsOf(model)
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > 2e-5 {
			t.Fatalf("weight %d is %v after two steps, want %v", i, got[i], want[i])
		}
	}
}

// byHand is GRPO with a clip of 0.2 and no KL, written down plainly.
type byHand struct {
	t     *testing.T
	model *policy.Model
	rows  []completionLine
	rate  float32

	loss, norm, entropy, tokens float64
	ratio, kl, clipped, later   float64 // of updates but the first
}

func (h *byHand) update(members []int, later bool) {
	batch := policy.Batch{Temperature: 0.9}
	var rows []completionLine
	for _, g := range members {
		batch.Prompts = append(batch.Prompts, h.rows[4*g].PromptIDs)
		for _, r := range h.rows[4*g : 4*g+4] {
			batch.Rows = append(batch.Rows, policy.Row{Prompt: len(batch.Prompts) - 1, Tokens: r.CompletionIDs})
			rows = append(rows, r)
		}
	}
	h.model.ZeroGrads()
	tokens, err := h.model.LogProbs(batch, true)
	if err != nil {
		h.t.Fatal(err)
	}
	var d []float32
	for _, r := range rows {
		n := float64(len(r.CompletionIDs))
		for _, old := range r.LogProbs {
			i := len(d)
			ratio := math.Exp(float64(tokens.LogP[i]) - float64(old))
			w, a := 1/(float64(len(rows))*n), r.Advantage
			h.loss -= w * min(ratio*a, min(max(ratio, 0.8), 1.2)*a)
			h.entropy += float64(tokens.Entropy[i])
			cut := a > 0 && ratio > 1.2 || a < 0 && ratio < 0.8
			if cut {
				d = append(d, 0)
			} else {
				d = append(d, float32(-w*a*ratio))
			}
			if later {
				h.later++
				h.ratio += ratio
				h.kl += ratio - 1 - math.Log(ratio)
				if cut {
					h.clipped++
				}
			}
		}
	}
	h.step(tokens, d)
}

// step goes one step down.
func (h *byHand) step(tokens *policy.Tokens, d []float32) {
	if err := tokens.Backward(d, nil); err != nil {
		h.t.Fatal(err)
	}
	if err := h.model.FinishGrads(); err != nil {
		h.t.Fatal(err)
	}
	h.tokens = 0
	for _, r := range h.rows {
		h.tokens += float64(len(r.CompletionIDs))
	}
	norm := 0.0
	for _, p := range h.model.Params() {
		w, g := h.model.Read(p, p.Data), h.model.Read(p, p.Grad)
		for i := range w {
			norm += float64(g[i]) * float64(g[i])
			w[i] -= h.rate * g[i]
		}
		h.model.Write(p, p.Data, w)
	}
	h.norm += math.Sqrt(norm)
}

// TestMembers: an epoch deals each group out once, every epoch and step otherwise.
func TestMembers(t *testing.T) {
	tr := Trainer{Config: Config{Seed: 5, Prompts: 12, BatchPrompts: 4, Epochs: 2}}
	var deals [][]int
	for step := 1; step <= 3; step++ {
		for epoch := range 2 {
			var all, deal []int
			for part := range 3 {
				m := tr.members(12, step, 3*epoch+part)
				if len(m) != 4 || !slices.IsSorted(m) {
					t.Errorf("step %d, update %d: groups %v, want 4 in order", step, 3*epoch+part, m)
				}
				all, deal = append(all, m...), append(deal, m...)
			}
			slices.Sort(all)
			if slices.Compare(all, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}) != 0 {
				t.Errorf("step %d, epoch %d: groups %v", step, epoch, all)
			}
			for _, d := range deals {
				if slices.Equal(d, deal) {
					t.Errorf("step %d, epoch %d: dealt as before: %v", step, epoch, deal)
				}
			}
			deals = append(deals, deal)
		}
	}
}

// TestOneMiniBatchIsAllOfThem: to say so changes no byte.
func TestOneMiniBatchIsAllOfThem(t *testing.T) {
	plain, said := filepath.Join(t.TempDir(), "plain"), filepath.Join(t.TempDir(), "said")
	runAll(t, setup{}.config(t, plain))
	runAll(t, setup{change: func(c *Config) { c.BatchPrompts, c.Epochs = 3, 1 }}.config(t, said))
	sameTree(t, "one mini-batch", said, plain)
}

// TestSkippedGroupsOfLaterUpdates: dro pulls towards the old policy where there is no advantage, once the policy has moved:
// then nothing may be skipped; under the clip it may.
func TestSkippedGroupsOfLaterUpdates(t *testing.T) {
	for _, kind := range []string{"grpo", "dro"} {
		run := func(never bool) (weights []float32, skipped []float64) {
			dir := filepath.Join(t.TempDir(), "run")
			c := setup{change: func(c *Config) {
				severalUpdates(c)
				c.Algo, c.Eval, c.BatchPrompts = algorithm(kind), Evaluation{}, 0
				byFunction(t, c, oneFlatSlot)
			}}.config(t, dir)
			tr := newTrainer(t, c)
			tr.neverSkip = never
			if err := tr.Run(context.Background(), context.Background()); err != nil {
				t.Fatal(err)
			}
			for _, m := range metricLines(t, dir) {
				skipped = append(skipped, m["zero_variance_skipped"])
			}
			return weightsOf(tr.Model), skipped
		}
		weights, skipped := run(false)
		whole, none := run(true)
		if !sameBits(weights, whole) {
			t.Errorf("%s: skipping changes the weights", kind)
		}
		want := map[string]float64{"grpo": 2, "dro": 1}[kind] // the first update alone
		if skipped[2] != want || none[2] != 0 {
			t.Errorf("%s: %v groups were skipped, and %v when none should be; want %v and 0", kind, skipped, none, want)
		}
	}
}

func TestUpdatesThatMakeNoSense(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"mini-batches of 2 prompts, want a divisor of the 3": func(c *Config) { c.BatchPrompts = 2 },
		"-1 epochs": func(c *Config) { c.Epochs = -1 },
		"2 updates a step, want 1: this algorithm doesn't learn from rewards": func(c *Config) { supervised(c); c.Epochs = 2 },
		"a mini-batch of 3 prompts: oblr-po: snr: 3 prompts": func(c *Config) {
			c.Algo = algorithm("oblr-po")
			c.Prompts, c.BatchPrompts = 6, 3
		},
	} {
		_, err := New(setup{change: change}.config(t, filepath.Join(t.TempDir(), "run")))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// oneFlatSlot gives the samples of slot 1 equal scores.
func oneFlatSlot(a rewards.Attempt, p rewards.Place) rewards.Result {
	if p.Slot == 1 {
		return rewards.Result{Score: 0.3}
	}
	return lengthAndPlace(a, p)
}
