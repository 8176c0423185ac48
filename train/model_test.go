package train

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/adapter"
	"github.com/burnish-rl/burnish/policy/generate"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/burnish-rl/burnish/train/schedule"
)

// modelConfig is a random model with large weights, so that its samples differ, and with many end tokens, so that
// their lengths do.
const modelConfig = `{"model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
 "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 442, "max_position_embeddings": 256, "rms_norm_eps": 1e-05,
 "tie_word_embeddings": true, "initializer_range": 0.2, "bos_token_id": 0, "pad_token_id": 0,
 "eos_token_id": [2, 0, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79]}`

func openModel(t testing.TB, b compute.Backend) *policy.Model {
	t.Helper()
	m, err := policy.OpenNew([]byte(modelConfig), "builtin:tiny", 3, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// scorer is a reward made of a function.
type scorer func(a rewards.Attempt, p rewards.Place) rewards.Result

func (f scorer) Score(ctx context.Context, a rewards.Attempt) (rewards.Result, error) {
	p, _ := rewards.PlaceOf(ctx)
	return f(a, p), nil
}

func composite(t testing.TB, list ...rewards.Weighted) *rewards.Composite {
	t.Helper()
	c, err := rewards.NewComposite(list)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// algorithm is a kind at its source's setting.
func algorithm(kind string) algos.Algorithm {
	info, ok := algos.Lookup(kind)
	if !ok {
		panic("no algorithm " + kind)
	}
	return info.New()
}

// setup is a run to be varied: call config for each time it is made.
type setup struct {
	threads   int
	lora      bool
	reference bool // a second model
	change    func(*Config)
}

func (s setup) config(t testing.TB, dir string) Config {
	t.Helper()
	b := cpu.New(max(s.threads, 1))
	m := openModel(t, b)
	if s.lora {
		if err := m.AttachLoRA(adapter.LoRA{Rank: 4, Alpha: 8, Targets: []string{adapter.AllLinear}}, 5); err != nil {
			t.Fatal(err)
		}
	}
	env, err := (&envs.ArithJSON{Split: envs.Train, Forms: envs.FormsJSON}).Open()
	if err != nil {
		t.Fatal(err)
	}
	held, err := (&envs.ArithJSON{Split: envs.Test, Forms: envs.FormsJSON}).Open()
	if err != nil {
		t.Fatal(err)
	}
	order, err := (&sampler.Uniform{}).Open(1, sampler.Unlimited)
	if err != nil {
		t.Fatal(err)
	}
	decoding := policy.Decoding{Decoding: generate.Decoding{Temperature: 0.9}, MaxTokens: 12}
	c := Config{
		Model: m, Env: env, Sampler: order,
		Algo: algorithm("grpo"),
		Rewards: composite(t,
			rewards.Weighted{Name: "json-valid", Weight: 0.7, Reward: &rewards.JSONValid{Graded: true}},
			rewards.Weighted{Name: "length", Weight: 0.3, Reward: &rewards.Length{Lo: 6, Hi: 8, Cap: 13}}),
		Optim: &optim.AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01}, Rate: 1e-3, Clip: 1, Schedule: &schedule.Linear{Warmup: 0.4},
		Prompts: 3, Samples: 4, Decoding: decoding, Steps: 6, Seed: 11, CheckpointEvery: 2, CheckpointKeep: 2,
		Eval:             Evaluation{Env: held, Limit: 3, Every: 2, AtEnds: true, Decoding: decoding},
		MicroBatchTokens: 200, Dir: dir, Recipe: []byte("steps: 6\n"),
	}
	if s.reference {
		c.Reference = openModel(t, b)
	}
	if s.change != nil {
		s.change(&c)
	}
	return c
}

// newTrainer makes a trainer that is closed with the test.
func newTrainer(t testing.TB, c Config) *Trainer {
	t.Helper()
	tr, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if tr.folder != nil {
			tr.Close()
		}
	})
	return tr
}

// runAll makes the trainer, runs it and closes it.
func runAll(t testing.TB, c Config) {
	t.Helper()
	tr, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Run(context.Background(), context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
}

// metricLines reads metrics.jsonl, with null as a missing key and times left out.
func metricLines(t testing.TB, dir string) (out []map[string]float64) {
	t.Helper()
	for _, line := range lines(t, dir, run.MetricsFile) {
		var m map[string]*float64
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		kept := map[string]float64{}
		for k, v := range m {
			if v != nil && !strings.HasPrefix(k, "seconds/") && k != "tokens_per_second" && k != "memory_peak" {
				kept[k] = *v
			}
		}
		out = append(out, kept)
	}
	return out
}

func completionLines(t testing.TB, dir string) (out []completionLine) {
	t.Helper()
	for _, line := range lines(t, dir, run.CompletionsFile) {
		var c completionLine
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func lines(t testing.TB, dir, name string) [][]byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(data), []byte("\n"))
}

// tree is a run folder's files by name, metrics without times.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == run.MetricsFile {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		out[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := json.Marshal(metricLines(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	out[run.MetricsFile] = string(metrics)
	return out
}

// sameTree compares two run folders byte by byte.
func sameTree(t *testing.T, what, got, want string) {
	t.Helper()
	g, w := tree(t, got), tree(t, want)
	for name := range w {
		if _, ok := g[name]; !ok {
			t.Errorf("%s: %s is missing", what, name)
		} else if g[name] != w[name] {
			t.Errorf("%s: %s differs", what, name)
			if strings.HasSuffix(name, ".jsonl") {
				t.Logf("got  %.1500s\nwant %.1500s", g[name], w[name])
			}
		}
	}
	for name := range g {
		if _, ok := w[name]; !ok {
			t.Errorf("%s: %s should not be there", what, name)
		}
	}
}

// weightsOf gives all tensors of a model, one after the other.
func weightsOf(m *policy.Model) (out []float32) {
	for _, p := range m.Params() {
		out = append(out, m.Read(p, p.Data)...)
	}
	return out
}

// runOn runs a trainer to its end.
func runOn(t testing.TB, tr *Trainer) {
	t.Helper()
	if err := tr.Run(context.Background(), context.Background()); err != nil {
		t.Fatal(err)
	}
}
