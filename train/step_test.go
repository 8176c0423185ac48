package train

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/burnish-rl/burnish/train/schedule"
)

// oneStep is a single step of plain gradient descent without evaluation.
func oneStep(c *Config) {
	c.Steps, c.CheckpointEvery, c.Eval = 1, 0, Evaluation{}
	c.Optim, c.Rate, c.Clip, c.Schedule = &optim.SGD{}, 0.5, 0, &schedule.Constant{}
}

func byFunction(t testing.TB, c *Config, f scorer) {
	c.Rewards = composite(t, rewards.Weighted{Name: "f", Weight: 1, Reward: f})
}

// lengthAndPlace is a reward with few equal values.
func lengthAndPlace(a rewards.Attempt, p rewards.Place) rewards.Result {
	return rewards.Result{Score: float64(a.Tokens)/7 + float64(p.Sample)/5 - float64(p.Slot)/3}
}

// TestAFlippedBitStopsTheRun: one weight whose last bit changes between rollout and training is seen; so is NaN.
func TestAFlippedBitStopsTheRun(t *testing.T) {
	for _, c := range []struct {
		name   string
		lora   bool
		change func(bits uint32) uint32
	}{
		{"last bit", false, func(b uint32) uint32 { return b ^ 1 }},
		{"last bit, beside an adapter", true, func(b uint32) uint32 { return b ^ 1 }},
		{"NaN", false, func(uint32) uint32 { return 0x7fc00000 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			config := setup{threads: 2, lora: c.lora}.config(t, dir)
			config.StopAfter, config.MicroBatchTokens = 3, 1<<20
			tr := newTrainer(t, config)
			var before []float32
			tr.afterRollout = func() {
				if tr.Step() != 2 {
					return
				}
				params := tr.Model.Params()
				p := params[slices.IndexFunc(params, func(p *policy.Param) bool { return p.Name == "model.norm.weight" })]
				w := tr.Model.Read(p, p.Data)
				w[3] = math.Float32frombits(c.change(math.Float32bits(w[3])))
				tr.Model.Write(p, p.Data, w)
				before = weightsOf(tr.Model)
			}
			err := tr.Run(context.Background(), context.Background())
			if err == nil || !strings.Contains(err.Error(), "step 3: prompt ") || !strings.Contains(err.Error(), "the gap must be 0") {
				t.Fatalf("error %v, want one of the gap in step 3", err)
			}
			if n := len(metricLines(t, dir)); n != 3 { // with the evaluation before step 1
				t.Errorf("%d lines of metrics, want none of step 3", n)
			}
			if !sameBits(weightsOf(tr.Model), before) {
				t.Error("the optimizer stepped all the same")
			}
			if step, _, _ := run.Latest(dir); step != 2 {
				t.Errorf("the latest checkpoint is of step %d, want 2", step)
			}
		})
	}
}

func sameBits(a, b []float32) bool {
	for i := range a {
		if len(a) != len(b) || math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

// TestLossByHand: with the ratio exactly 1 the loss of GRPO is Σ_i Σ_t -A_i/(B·T_i) = -Σ_i A_i/B, and its gradient
// that of Σ_t -A_i·logp_t/(B·T_i), here computed through the policy alone.
func TestLossByHand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: oneStep}.config(t, dir)
	byFunction(t, &c, lengthAndPlace)
	runAll(t, c)
	m := metricLines(t, dir)[0]
	rows := completionLines(t, dir)
	b := float64(len(rows))
	want, wantReward := 0.0, 0.0
	for i, r := range rows {
		group := rows[i/4*4 : i/4*4+4]
		mean, variance := 0.0, 0.0
		for _, g := range group {
			mean += *g.Reward / 4
		}
		for _, g := range group {
			variance += (*g.Reward - mean) * (*g.Reward - mean) / 3
		}
		if a := (*r.Reward - mean) / (math.Sqrt(variance) + 1e-4); math.Abs(a-r.Advantage) > 1e-12 {
			t.Errorf("row %d: advantage %v, want %v", i, r.Advantage, a)
		}
		want -= r.Advantage / b
		wantReward += *r.Reward / b
	}
	near(t, "loss", m["loss"], want, 1e-12)
	near(t, "reward", m["reward"], wantReward, 1e-12)
	near(t, "gap", m["logp_gap"], 0, 0)
	near(t, "lr", m["lr"], 0.5, 0)

	gradientByHand(t, c.Model, m, rows)
}

// gradientByHand computes the step's gradient through the policy alone and compares the norm, the weights after the
// step, and what was counted.
func gradientByHand(t *testing.T, trained *policy.Model, m map[string]float64, rows []completionLine) {
	t.Helper()
	b := float64(len(rows))
	model := openModel(t, cpu.New(2))
	batch, weights := policy.Batch{Temperature: 0.9}, []float32{}
	for i, r := range rows {
		if i%4 == 0 {
			batch.Prompts = append(batch.Prompts, r.PromptIDs)
		}
		batch.Rows = append(batch.Rows, policy.Row{Prompt: i / 4, Tokens: r.CompletionIDs})
		for range r.CompletionIDs {
			weights = append(weights, float32(-r.Advantage*(1/(b*float64(len(r.CompletionIDs))))))
		}
	}
	model.EnableGrads()
	tokens, err := model.LogProbs(batch, true)
	if err == nil {
		err = tokens.Backward(weights, nil)
	}
	if err == nil {
		err = model.FinishGrads()
	}
	if err != nil {
		t.Fatal(err)
	}
	norm := 0.0
	var stepped []float32
	for _, p := range model.Params() {
		w, g := model.Read(p, p.Data), model.Read(p, p.Grad)
		for i := range w {
			norm += float64(g[i]) * float64(g[i])
			stepped = append(stepped, w[i]-float32(0.5*g[i]))
		}
	}
	near(t, "grad_norm", m["grad_norm"], math.Sqrt(norm), 1e-6*math.Sqrt(norm))
	for i, w := range weightsOf(trained) {
		if math.Abs(float64(w-stepped[i])) > 1e-6 {
			t.Fatalf("weight %d is %v after the step, want %v", i, w, stepped[i])
		}
	}
	sum, computed := 0.0, 0.0
	for _, h := range tokens.Entropy {
		sum += float64(h)
	}
	for i, r := range rows {
		computed += float64(len(r.CompletionIDs) - 1)
		if i%4 == 0 {
			computed += float64(len(r.PromptIDs))
		}
	}
	near(t, "entropy", m["entropy"], sum/float64(len(weights)), 1e-12)
	near(t, "tokens", m["tokens"], float64(len(weights)), 0)
	near(t, "length", m["length"], float64(len(weights))/b, 1e-12)
	near(t, "tokens_computed", m["tokens_computed"], computed, 0)
	near(t, "tokens_computed/rollout", m["tokens_computed/rollout"], computed, 0)
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// TestKL: the divergence from the start is exactly 0 in step 1 and then the mean of k3; the adapter switched off is the
// same reference as a second model, to the byte.
func TestKL(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "off"), filepath.Join(t.TempDir(), "second")
	s := setup{threads: 2, lora: true, change: func(c *Config) {
		oneStep(c)
		withKL(c)
		c.Steps, c.Rate = 3, 5
		byFunction(t, c, lengthAndPlace)
	}}
	runAll(t, s.config(t, first))
	s.reference = true
	runAll(t, s.config(t, second))
	sameTree(t, "adapter off, second model", first, second)

	metrics, rows := metricLines(t, first), completionLines(t, first)
	if kl := metrics[0]["kl"]; kl != 0 {
		t.Errorf("kl is %v in step 1, want exactly 0", kl)
	}
	base := openModel(t, cpu.New(2))
	for step := 2; step <= 3; step++ {
		kl, n, surrogate, b := 0.0, 0.0, 0.0, 0.0
		for _, r := range rows {
			if r.Step != step {
				continue
			}
			b++
			tokens, err := base.LogProbs(policy.Batch{Prompts: [][]int32{r.PromptIDs}, Rows: []policy.Row{{Tokens: r.CompletionIDs}}, Temperature: 0.9}, false)
			if err != nil {
				t.Fatal(err)
			}
			own := 0.0
			for i, ref := range tokens.LogP {
				u := float64(r.LogProbs[i]) - float64(ref)
				kl += math.Exp(-u) + u - 1
				own += math.Exp(-u) + u - 1
				n++
			}
			surrogate += -r.Advantage + 0.1*own/float64(len(tokens.LogP))
		}
		near(t, "kl", metrics[step-1]["kl"], kl/n, 1e-12)
		near(t, "loss", metrics[step-1]["loss"], surrogate/b, 1e-12)
		if kl == 0 {
			t.Error("the policy has not moved, so nothing is tested")
		}
	}
}

// TestSFTByHand: the loss is the mean negative log-likelihood of the demonstrations' tokens; with TrainPrompt of the
// prompts' too, but for the first.
func TestSFTByHand(t *testing.T) {
	for _, prompts := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "run")
		c := setup{threads: 2, change: func(c *Config) { supervised(c); oneStep(c) }}.config(t, dir)
		c.Algo.(*algos.SFT).TrainPrompt = prompts
		c.Decoding.Temperature = 1
		indices := c.Sampler.Next(3)
		c.Sampler = setup{}.config(t, "x").Sampler // from its beginning again
		model := openModel(t, cpu.New(1))
		sum, n := 0.0, 0.0
		for _, i := range indices {
			task, err := c.Env.Task(i)
			if err != nil {
				t.Fatal(err)
			}
			_, ids, err := model.Render([]policy.Message{{Role: "user", Content: task.Messages[0].Content}}, true)
			if err != nil {
				t.Fatal(err)
			}
			target := append(model.Encode(task.Demonstration), 2)
			from := len(ids)
			if prompts {
				from = 1
			}
			all := append(ids, target...)
			tokens, err := model.LogProbs(policy.Batch{Prompts: [][]int32{all[:from]}, Rows: []policy.Row{{Tokens: all[from:]}}}, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, lp := range tokens.LogP {
				sum -= float64(lp)
				n++
			}
		}
		runAll(t, c)
		m := metricLines(t, dir)[0]
		near(t, "loss", m["loss"], sum/n, 1e-12)
		near(t, "tokens", m["tokens"], n, 0)
		if _, ok := m["reward"]; ok {
			t.Error("sft has a reward")
		}
	}
}
