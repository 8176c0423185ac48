package train

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/adapter"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/generate"
)

// ledger counts the bytes of live buffers and caches.
type ledger struct {
	compute.Backend
	live, peak int64
	caches     map[compute.Cache]int64
}

func (l *ledger) count(floats int) {
	l.live += 4 * int64(floats)
	l.peak = max(l.peak, l.live)
}

func (l *ledger) Alloc(n int) compute.Buf      { l.count(n); return l.Backend.Alloc(n) }
func (l *ledger) AllocUnset(n int) compute.Buf { l.count(n); return l.Backend.AllocUnset(n) }
func (l *ledger) AllocActs(n int) compute.Buf  { l.count(n); return l.Backend.AllocActs(n) }
func (l *ledger) Free(b compute.Buf)           { l.count(-b.Len()); l.Backend.Free(b) }

func (l *ledger) NewWeight(n, k int) compute.Weight {
	w := l.Backend.NewWeight(n, k)
	l.count(w.Data.Len())
	return w
}

func (l *ledger) NewCache(layers, pages int, h compute.Heads) compute.Cache {
	c := l.Backend.NewCache(layers, pages, h)
	d := (h.D + compute.Lanes - 1) / compute.Lanes * compute.Lanes
	l.caches[c] = int64(2 * layers * pages * h.KV * d * compute.Page)
	l.count(int(l.caches[c]))
	return c
}

func (l *ledger) FreeCache(c compute.Cache) { l.count(-int(l.caches[c])); l.Backend.FreeCache(c) }

// fixed is an env of prompts and demonstrations of one length each.
type fixed struct{ prompt, target int }

func (f fixed) Task(i int) (envs.Task, error) {
	ids := func(n int) []int32 {
		out := make([]int32, n)
		for j := range out {
			out[j] = int32(100 + (i*31+j*7)%300)
		}
		return out
	}
	t := envs.Task{ID: "fixed", PromptIDs: ids(f.prompt), TargetIDs: ids(f.target), Reference: "1"}
	if half := f.target / 2; half > 0 {
		t.Pair = envs.Pair{ChosenIDs: ids(half), RejectedIDs: ids(f.target - half)}
	}
	return t, nil
}

// TestPlanIsNearWhatIsAllocated: within 10% of the peak of live buffers, for runs whose batches are all the worst case.
func TestPlanIsNearWhatIsAllocated(t *testing.T) {
	config := strings.NewReplacer(`"hidden_size": 32`, `"hidden_size": 64`, `"intermediate_size": 48`, `"intermediate_size": 160`, `"num_hidden_layers": 2`, `"num_hidden_layers": 3`,
		`"head_dim": 8`, `"head_dim": 16`).Replace(modelConfig)
	config = config[:strings.Index(config, `"eos_token_id"`)] + `"eos_token_id": null}`
	for _, c := range []struct {
		name string
		s    setup
		env  fixed
		max  int // tokens
	}{
		{"grpo", setup{}, fixed{60, 0}, 40},
		{"grpo, small micro-batches", setup{change: func(c *Config) { c.MicroBatchTokens = 1 }}, fixed{60, 0}, 40},
		{"grpo, mostly rollout", setup{change: func(c *Config) { c.MicroBatchTokens, c.Prompts = 1, 30 }}, fixed{90, 0}, 8},
		{"grpo, second model", setup{reference: true, change: func(c *Config) { withKL(c); c.MicroBatchTokens = 212 }}, fixed{30, 0}, 20}, // two groups
		{"grpo, lora", setup{lora: true, change: withKL}, fixed{60, 0}, 40},
		{"grpo, one layer kept", setup{change: func(c *Config) { c.KeptLayers = 1 }}, fixed{60, 0}, 40},
		{"grpo, recorded", setup{change: func(c *Config) { c.RecordedLayers, c.RecordedRows = 3, 648 }}, fixed{60, 0}, 40},
		{"grpo, one layer recorded", setup{lora: true, change: func(c *Config) { withKL(c); c.RecordedLayers, c.RecordedRows = 1, 648 }}, fixed{60, 0}, 40},
		{"grpo, four updates", setup{reference: true, change: func(c *Config) { severalUpdates(c); withKL(c); withMasks(c) }}, fixed{60, 0}, 40},
		{"grpo, lora, follows", setup{lora: true, change: following}, fixed{60, 0}, 40},
		{"dapo, recorded, all drawn again", setup{change: func(c *Config) { drawnAgain(c); c.RecordedLayers, c.RecordedRows = 3, 648 }}, fixed{60, 0}, 40},
		{"remax, mostly rollout", setup{change: func(c *Config) { c.Algo = algorithm("remax"); c.MicroBatchTokens, c.Prompts = 1, 30 }}, fixed{90, 0}, 8},
		{"oblr-po", setup{change: gradientWeighted("weighted")}, fixed{60, 0}, 40},
		{"oblr-po, by the head", setup{change: func(c *Config) {
			gradientWeighted("weighted")(c)
			c.Algo.(*algos.OBLRPO).Weights = "head_exact"
		}}, fixed{60, 0}, 40},
		{"oblr-po, nothing held", setup{change: gradientWeighted("weighted")}, fixed{60, 0}, 40},
		{"oblr-po, lora, recorded", setup{lora: true, change: func(c *Config) { gradientWeighted("weighted")(c); c.RecordedLayers, c.RecordedRows = 3, 864 }}, fixed{60, 0}, 40},
		{"sft, two layers kept", setup{change: func(c *Config) { supervised(c); c.KeptLayers, c.MicroBatchTokens = 2, 300 }}, fixed{60, 90}, 90},
		{"sft", setup{change: func(c *Config) { supervised(c); c.MicroBatchTokens = 300 }}, fixed{60, 90}, 90},
		{"sft, mostly evaluation", setup{change: func(c *Config) {
			supervised(c)
			c.Prompts, c.MicroBatchTokens = 2, 1
			c.Eval = Evaluation{Env: fixed{90, 0}, Limit: 40, AtEnds: true, Decoding: c.Decoding}
		}}, fixed{20, 30}, 30},
		{"dpo", setup{reference: true, change: func(c *Config) { preferring("dpo", false)(c); c.MicroBatchTokens = 400 }}, fixed{60, 140}, 140},
		{"dpo, lora", setup{lora: true, change: preferring("dpo", false)}, fixed{60, 140}, 140},
		{"dpo, rollouts, recorded", setup{lora: true, change: func(c *Config) {
			preferring("dpo", true)(c)
			c.RecordedLayers, c.RecordedRows = 3, 648
		}}, fixed{60, 0}, 40},
		{"kto", setup{reference: true, change: func(c *Config) { preferring("kto", false)(c); c.MicroBatchTokens = 400 }}, fixed{60, 140}, 140},
		{"sft, large batch", setup{change: func(c *Config) { supervised(c); c.Prompts, c.MicroBatchTokens = 20, 1<<20 }}, fixed{20, 60}, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &ledger{Backend: cpu.New(2), caches: map[compute.Cache]int64{}}
			open := func() *policy.Model {
				m, err := policy.OpenNew([]byte(config), "builtin:tiny", 3, l)
				if err != nil {
					t.Fatal(err)
				}
				if end, ok := m.EOS(); !ok || end != 2 {
					t.Fatal("the tokenizer's end token is part of the vocabulary")
				}
				return m
			}
			cfg := c.s.config(t, filepath.Join(t.TempDir(), "run"))
			cfg.Model, cfg.Env, cfg.Steps, cfg.CheckpointEvery, cfg.Decoding.MaxTokens = open(), c.env, 2, 0, c.max
			held, evaluated := cfg.Eval.Env.(fixed)
			if !evaluated {
				cfg.Eval = Evaluation{}
			}
			if c.s.lora {
				if err := cfg.Model.AttachLoRA(adapter.LoRA{Rank: 4, Alpha: 8, Targets: []string{adapter.AllLinear}}, 5); err != nil {
					t.Fatal(err)
				}
			}
			if c.s.reference {
				cfg.Reference = open()
			}
			need, trained := cfg.Algo.Needs(), cfg.Model.TrainedElements()
			w := Workload{Config: cfg.Model.Config(), Trained: trained, StateBytes: cfg.Optim.StateBytes(trained), Adapter: c.s.lora, Reference: c.s.reference, ExactNorms: cfg.ExactNorms(), HeadNorms: cfg.HeadNorms(), GradStats: need.GradStats, Refills: need.Rounds > 1,
				Updates: cfg.UpdatesPerStep(), BatchPrompts: cfg.BatchPrompts, SyncRef: need.SyncRef > 0,
				Prompts: cfg.Prompts, Samples: cfg.Samples, PromptTokens: c.env.prompt, MaxTokens: c.max, Demonstrations: !cfg.Sampled(), Longest: c.env.prompt + 1, MicroBatch: cfg.MicroBatchTokens, KeptLayers: cfg.KeptLayers, RecordedLayers: cfg.RecordedLayers,
				EvalPrompts: slices.Repeat([]int{held.prompt}, cfg.Eval.Limit), EvalMaxTokens: cfg.Eval.Decoding.MaxTokens}
			p, err := NewPlan(w)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(c.name, "nothing held") { // a byte less than holding takes
				w.Limit = p.Peak - 1
				if p, err = NewPlan(w); err != nil || p.Held != 0 {
					t.Fatalf("plan %+v (%v), want one that holds nothing", p, err)
				}
			}
			cfg.HoldNorms = p.Held > 0
			if p.RecordedRows != cfg.RecordedRows {
				t.Errorf("%d rows recorded, want %d", p.RecordedRows, cfg.RecordedRows)
			}
			if cfg.KeptLayers == 0 && p.KeptLayers != 3 {
				t.Errorf("%d layers kept without a limit, want all 3", p.KeptLayers)
			}
			tr := newTrainer(t, cfg)
			tr.neverSkip = true // the plan is for the worst batch
			if err := tr.Run(context.Background(), context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := tr.Close(); err != nil {
				t.Fatal(err)
			}
			planned, measured := float64(p.Peak-p.Runtime-p.Spare-p.Saved), float64(l.peak)
			t.Logf("planned %.2f MB, measured %.2f MB: %+v", planned/1e6, measured/1e6, p)
			if math.Abs(planned/measured-1) > 0.1 {
				t.Errorf("planned %.0f bytes, measured %.0f, want within 10%%", planned, measured)
			}
		})
	}
}

func TestPlanChoosesMicroBatches(t *testing.T) {
	m := openModel(t, cpu.New(1))
	w := Workload{Config: m.Config(), Trained: m.TrainedElements(), Prompts: 8, Samples: 4, PromptTokens: 50, MaxTokens: 20}
	p, err := NewPlan(w)
	if err != nil {
		t.Fatal(err)
	}
	if p.WorstGroup != 50+4*19 || p.MicroBatches != 2 || p.MicroBatchTokens != fullRows || p.KeptLayers != 2 || p.MaxRunning != 32 {
		t.Errorf("plan %+v, want a group of 126 rows and two micro-batches, all kept and running", p)
	}
	w.MicroBatch = 300
	if p, _ = NewPlan(w); p.MicroBatches != 4 || p.MicroBatchTokens != 300 {
		t.Errorf("plan %+v, want 4 micro-batches of 2 groups", p)
	}
	w.MicroBatch = 10 // a group is never cut
	if p, _ = NewPlan(w); p.MicroBatches != 8 {
		t.Errorf("plan %+v, want 8 micro-batches", p)
	}
	w.Demonstrations, w.MaxTokens = true, 300
	if _, err := NewPlan(w); err == nil || !strings.Contains(err.Error(), "350 tokens, the model's context is 256") {
		t.Errorf("a demonstration that doesn't fit: error %v", err)
	}
}

// smol is a step of GRPO on all weights of SmolLM2-135M.
func smol(t *testing.T) Workload {
	c, err := decoder.ParseConfig([]byte(`{"model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
		"num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}`))
	if err != nil {
		t.Fatal(err)
	}
	const elements = 134_515_008
	return Workload{Config: c, Trained: elements, StateBytes: 8 * elements, Prompts: 4, Samples: 8, PromptTokens: 289, MaxTokens: 128, RecordedLayers: -1}
}

// TestPlanStaysBelowItsLimit: the tighter it is, the more layers are run again and the smaller micro-batches are; nothing
// is given up before it must, and the least that is named would do.
func TestPlanStaysBelowItsLimit(t *testing.T) {
	for name, change := range map[string]func(*Workload){
		"grpo": func(*Workload) {}, "bf16": func(w *Workload) { w.BF16 = true },
		"sft":        func(w *Workload) { w.Demonstrations, w.Samples, w.MaxTokens, w.Prompts = true, 1, 300, 16 },
		"evaluation": func(w *Workload) { w.EvalPrompts, w.EvalMaxTokens = slices.Repeat([]int{300}, 400), 1024 },
		"adapter":    func(w *Workload) { w.Adapter, w.Trained, w.StateBytes = true, 4_884_480, 8*4_884_480 },
	} {
		t.Run(name, func(t *testing.T) {
			w := smol(t)
			change(&w)
			free, err := NewPlan(w)
			if err != nil {
				t.Fatal(err)
			}
			if !w.Demonstrations && free.RecordedLayers != 30 || w.Demonstrations && free.RecordedLayers != 0 || free.KeptLayers != 30 || free.MaxRunning != min(generate.DefaultRunning, max(len(w.EvalPrompts), w.Prompts*w.Samples)) && !w.Demonstrations {
				t.Errorf("without a limit %d layers are kept, %d recorded, and %d run", free.KeptLayers, free.RecordedLayers, free.MaxRunning)
			}
			w.Limit = 1
			var short *TooLittleMemory
			if _, err := NewPlan(w); !errors.As(err, &short) || short.Least <= 1 || short.Least >= free.Peak {
				t.Fatalf("error %v, want the least that would do, less than %d", err, free.Peak)
			}
			last := math.Inf(1)
			for limit := short.Least; limit < free.Peak+50e6; limit += 50e6 {
				w.Limit = limit
				p, err := NewPlan(w)
				if err != nil || p.Peak > limit {
					t.Fatalf("limit %d, peak %d: error %v", limit, p.Peak, err)
				}
				cost := w.cost(p.MicroBatchTokens, p.KeptLayers)
				if p.RecordedLayers > 0 {
					cost = w.recordedCost(p.MicroBatchTokens, p.RecordedLayers)
				}
				if cost > last {
					t.Errorf("limit %d: %d layers kept, %d recorded, micro-batches of %d rows: slower than with less memory", limit, p.KeptLayers, p.RecordedLayers, p.MicroBatchTokens)
				}
				last = cost
			}
			w.Limit = free.Peak
			if p, err := NewPlan(w); err != nil || p != free {
				t.Errorf("with just enough memory %+v, want %+v (%v)", p, free, err)
			}
			w.Limit = short.Least - 2
			if _, err := NewPlan(w); !errors.As(err, &short) {
				t.Errorf("less than the least: error %v", err)
			}
		})
	}
}

// TestPlanKeepsWhatIsChosen, as a resumed run's recipe has it.
func TestPlanKeepsWhatIsChosen(t *testing.T) {
	w := smol(t)
	w.MicroBatch, w.KeptLayers, w.MaxRunning, w.RecordedLayers = 1500, 7, 3, 4
	p, err := NewPlan(w)
	if err != nil || p.MicroBatchTokens != 1500 || p.KeptLayers != 7 || p.MaxRunning != 3 || p.RecordedLayers != 4 {
		t.Errorf("plan %+v, error %v", p, err)
	}
	w.Limit = p.Peak - 1
	if q, err := NewPlan(w); err == nil || q.KeptLayers != 7 || q.MaxRunning != 3 || q.RecordedLayers != 4 || q.MicroBatchTokens != 1500 {
		t.Errorf("plan %+v of less memory, error %v", q, err)
	}
}

// TestPlanOfSeveralUpdates: what the rollout or its row norms leave is of use to one of them at most, so nothing is kept; no
// micro-batch is larger than a mini-batch.
func TestPlanOfSeveralUpdates(t *testing.T) {
	w := smol(t)
	w.ExactNorms = true
	once, err := NewPlan(w)
	if err != nil || once.RecordedLayers == 0 || once.Held == 0 {
		t.Fatalf("plan %+v, error %v, want one that keeps what it can", once, err)
	}
	w.Updates, w.BatchPrompts, w.Samples = 4, 2, 2
	p, err := NewPlan(w)
	if err != nil || p.RecordedLayers != 0 || p.Held != 0 {
		t.Errorf("plan %+v, error %v, want one that keeps nothing", p, err)
	}
	if p.MicroBatchTokens > 2*p.WorstGroup && p.MicroBatchTokens > fullRows {
		t.Errorf("micro-batches of %d rows, a mini-batch has %d", p.MicroBatchTokens, 2*p.WorstGroup)
	}
	w = smol(t)
	w.Adapter, w.Trained = true, 1e6
	alone, _ := NewPlan(w)
	w.SyncRef = true
	if followed, _ := NewPlan(w); followed.Reference != 4e6 || followed.Peak <= alone.Peak {
		t.Errorf("a copy of an adapter of 1M elements takes %d bytes", followed.Reference)
	}
}

// TestMicroBatchesAreWholeGroups within the budget, and hold every row once.
func TestMicroBatchesAreWholeGroups(t *testing.T) {
	b := &batch{prompts: [][]int32{make([]int32, 10), make([]int32, 50), make([]int32, 5), make([]int32, 5)}}
	for group, lengths := range [][]int{{4, 6}, {30, 1}, {2}, {3, 3, 3}} { // 18, 79, 6 and 11 decoder rows
		for k, n := range lengths {
			b.rows = append(b.rows, row{group: group, sample: k, tokens: make([]int32, n), trained: n})
		}
	}
	for budget, want := range map[int][]int{1: {2, 4, 5, 8}, 17: {2, 4, 8}, 97: {4, 8}, 96: {2, 8}, 95: {2, 5, 8}, 114: {8}} {
		from, token := 0, 0
		cuts := b.cut(budget, false)
		for i, m := range cuts {
			if i >= len(want) || m.from != from || m.to != want[i] || m.token != token {
				t.Fatalf("budget %d: micro-batch %d has rows %d to %d from token %d, want ends %v", budget, i, m.from, m.to, m.token, want)
			}
			for _, r := range b.rows[m.from:m.to] {
				token += r.trained
			}
			from = m.to
		}
		if len(cuts) != len(want) {
			t.Errorf("budget %d: %d micro-batches, want %d", budget, len(cuts), len(want))
		}
	}
	b.labels.unit = []int{0, 0, 2, 2} // two prompts together: 97 and 17 decoder rows
	for budget, want := range map[int][]int{1: {4, 8}, 113: {4, 8}, 114: {8}} {
		cuts := b.cut(budget, false)
		for i, m := range cuts {
			if i >= len(want) || m.to != want[i] {
				t.Errorf("budget %d: micro-batch %d ends at row %d, want ends %v", budget, i, m.to, want)
			}
		}
	}
	if cuts := (&batch{}).cut(10, false); len(cuts) != 0 {
		t.Errorf("no rows gave %d micro-batches", len(cuts))
	}
}

// list is an env of given tasks.
type list []envs.Task

func (l list) Task(i int) (envs.Task, error) { return l[i], nil }
func (l list) Len() int                      { return len(l) }

func TestAudit(t *testing.T) {
	m := openModel(t, cpu.New(1))
	task := func(id string, prompt, target int) envs.Task {
		f, _ := fixed{prompt, target}.Task(1)
		f.ID = id
		return f
	}
	env := list{task("a", 10, 5), task("b", 250, 6), task("c", 20, 4), task("d", 251, 6), task("e", 256, 1)}
	ctx := context.Background()
	a, err := NewAudit(ctx, m, env, true, 1)
	if err != nil {
		t.Fatal(err)
	}
	if a.Tasks != 5 || a.Of != 5 || a.Prompt != (Lengths{10, 250, 256, 256, 157.4}) || a.Target.Max != 6 || len(a.TooLong) != 2 {
		t.Errorf("audit %+v", a)
	}
	if err := a.Err(m.Context()); err == nil || !strings.Contains(err.Error(), "2 of 5 tasks don't fit into the model's context of 256 tokens; the first is d, which needs 257") {
		t.Errorf("error %v", err)
	}
	if a, err = NewAudit(ctx, m, env, false, 6); err != nil || len(a.TooLong) != 2 || a.Target.Max != 0 {
		t.Errorf("with room for a completion of 6: %+v, error %v", a, err)
	}
	if a, err = NewAudit(ctx, m, env[:1], false, 1); err != nil || a.Err(256) != nil {
		t.Errorf("a task that fits: %+v, error %v", a, err)
	}
	if _, err = NewAudit(ctx, m, list{{ID: "x", PromptIDs: []int32{1}}}, true, 1); err == nil || !strings.Contains(err.Error(), "task x has no demonstration") {
		t.Errorf("no demonstration: error %v", err)
	}
	arith, _ := (&envs.ArithJSON{Split: envs.Train, Forms: envs.FormsJSON}).Open()
	if a, err = NewAudit(ctx, m, arith, true, 1); err != nil || a.Of != -1 || a.Tasks != sampleUnlimited || a.Prompt.Min < 1 || a.Target.Min < 1 {
		t.Errorf("an env without end: %+v, error %v", a, err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err = NewAudit(ended, m, env, true, 1); err == nil {
		t.Error("a context that ended is not seen")
	}
}
