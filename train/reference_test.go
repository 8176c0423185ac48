package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/adapter"
	"github.com/burnish-rl/burnish/train/rollout"
)

// supervisedAdapter is the folder of an adapter from a stage of SFT, on a base of its own.
func supervisedAdapter(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	if err := openModel(t, cpu.New(1)).Save(base, "F32"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "sft")
	c := setup{threads: 2, change: func(c *Config) { supervised(c); oneStep(c); c.Steps = 3 }}.config(t, dir)
	c.Model = openFrom(t, base)
	attach(t, c.Model)
	runAll(t, c)
	return dir
}

func openFrom(t *testing.T, from string) *policy.Model {
	t.Helper()
	m, err := policy.Open(from, cpu.New(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func attach(t *testing.T, m *policy.Model) {
	t.Helper()
	if err := m.AttachLoRA(adapter.LoRA{Rank: 4, Alpha: 8, Targets: []string{adapter.AllLinear}}, 5); err != nil {
		t.Fatal(err)
	}
}

// TestTheReferenceIsTheStart: before the first step every log-ratio is 0 to the bit, whatever the stage begins from, and
// later none is.
func TestTheReferenceIsTheStart(t *testing.T) {
	for name, start := range map[string]func(t *testing.T, c *Config){
		"full":           func(t *testing.T, c *Config) { c.Reference = openModel(t, cpu.New(2)) },
		"lora from base": func(t *testing.T, c *Config) { attach(t, c.Model) },
		"sft-lora merged, then dpo-lora": func(t *testing.T, c *Config) {
			c.Model = openFrom(t, supervisedAdapter(t))
			if err := c.Model.Merge(); err != nil {
				t.Fatal(err)
			}
			attach(t, c.Model)
		},
		"sft-lora trained on, a frozen copy beside": func(t *testing.T, c *Config) {
			from := supervisedAdapter(t)
			c.Model, c.Reference = openFrom(t, from), openFrom(t, from)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			c := setup{threads: 2, change: func(c *Config) {
				preferring("dpo", false)(c)
				oneStep(c)
				c.Steps = 3
			}}.config(t, dir)
			start(t, &c)
			tr := newTrainer(t, c)
			if n := ratios(t, tr, func(r float64) bool { return r != 0 }); n != 0 {
				t.Errorf("%d log-ratios are not 0 before the first step", n)
			}
			if err := tr.Run(context.Background(), context.Background()); err != nil {
				t.Fatal(err)
			}
			m := metricLines(t, dir)
			if m[0]["kl"] != 0 || m[0]["preference/drift_chosen"] != 0 || m[0]["preference/margin"] != 0 || math.Abs(m[0]["loss"]-math.Ln2) > 1e-12 {
				t.Errorf("step 1: %v, want no drift and a loss of ln 2", m[0])
			}
			if m[2]["preference/drift_chosen"] == 0 || m[2]["kl"] == 0 {
				t.Error("the policy has not moved, so nothing is tested")
			}
			if n := ratios(t, tr, func(r float64) bool { return r == 0 }); n > 3 {
				t.Errorf("%d log-ratios are still 0", n)
			}
		})
	}
}

// ratios counts the log-ratios of the first tasks' pairs that a condition holds for.
func ratios(t *testing.T, tr *Trainer, is func(float64) bool) (n int) {
	t.Helper()
	prompts, err := rollout.Render(tr.Model, tr.Env, []int{1, 2, 3, 4})
	b := tr.newBatch(1)
	if err == nil {
		err = tr.label(b, prompts)
	}
	if err == nil {
		err = tr.reference(context.Background(), b)
	}
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := tr.Model.LogProbs(b.cut(1<<20, false)[0].pack(tr.Decoding), false)
	if err != nil || len(tokens.LogP) != len(b.ref) || len(b.ref) < 50 {
		t.Fatalf("%d log-probs, %d of the reference (%v)", len(tokens.LogP), len(b.ref), err)
	}
	for i, v := range tokens.LogP {
		if is(float64(v) - b.ref[i]) {
			n++
		}
	}
	return n
}

// fewTasks changes a config to a pool that comes again and again.
func fewTasks(t testing.TB, n int) func(*Config) {
	return func(c *Config) {
		env, err := (&envs.ArithJSON{Split: envs.Train, Forms: envs.FormsJSON, Limit: n}).Open()
		if err != nil {
			t.Fatal(err)
		}
		c.Env = env
		if c.Sampler, err = (&sampler.Uniform{}).Open(3, n); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReferenceLogProbsAreKept: one record a row whatever the epochs, read by later runs, and made again where the file was
// damaged; the run leaves the same bytes each time.
func TestReferenceLogProbsAreKept(t *testing.T) {
	cache := t.TempDir()
	s := setup{threads: 2, reference: true, change: func(c *Config) {
		fewTasks(t, 5)(c)
		preferring("dpo", false)(c)
		c.Cache = cache
	}}
	run := func(name string) string {
		dir := filepath.Join(t.TempDir(), name)
		runAll(t, s.config(t, dir))
		return dir
	}
	cold := run("cold")
	found, err := filepath.Glob(filepath.Join(cache, "reference-v1", "*.rows"))
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v (%v), want one file", found, err)
	}
	path := found[0]
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sameTree(t, "kept log-probs", run("warm"), cold)
	unchanged := func(what string) {
		t.Helper()
		if now, err := os.ReadFile(path); err != nil || len(now) != len(written) {
			t.Errorf("%s: the file has %d bytes, want %d (%v)", what, len(now), len(written), err)
		}
	}
	unchanged("a second run")
	for what, damaged := range map[string][]byte{
		"torn":       written[:len(written)-3],
		"flipped":    slices.Concat(written[:200], []byte{written[200] ^ 1}, written[201:]),
		"begun":      written[:10],
		"lengthened": slices.Concat(written, []byte{1, 2, 3}),
	} {
		if err := os.WriteFile(path, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		sameTree(t, what, run(what), cold)
		unchanged(what)
	}
	// What is in the file is what a run learns from.
	if err := os.WriteFile(path, written, 0o644); err != nil {
		t.Fatal(err)
	}
	key, _ := os.ReadFile(path)
	head := string(key[:slices.Index(key, '\n')])
	c, err := openRowCache(path, head[len("burnish rows "):])
	if err != nil {
		t.Fatal(err)
	}
	if len(c.at) != 16 {
		t.Errorf("%d records, want one for each of 10 answers learned from and 6 held out", len(c.at))
	}
	for k, at := range c.at {
		row, ok, err := c.get(k, at.n)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		row[0]--
		delete(c.at, k)
		if err := c.put(k, row); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if m := metricLines(t, run("changed")); m[1]["preference/drift_chosen"] != 1 {
		t.Errorf("step 1 with other numbers in the file: %v, want a drift of 1", m[1])
	}
}

// TestOneWriter: a second process reads what was there and writes nothing; numbers keep every bit.
func TestOneWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x", "a.rows")
	a, err := openRowCache(path, "k")
	if err != nil {
		t.Fatal(err)
	}
	key := keyOf([]int32{1, 2}, row{tokens: []int32{3}})
	want := []float32{-0.1, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32}
	if err := a.put(key, want); err != nil {
		t.Fatal(err)
	}
	b, err := openRowCache(path, "k")
	if !errors.Is(err, errInUse) {
		t.Fatalf("error %v, want that it is in use", err)
	}
	got, ok, err := b.get(key, 3)
	if err != nil || !ok || !sameBits(got, want) {
		t.Errorf("read %v, %v (%v), want %v", got, ok, err, want)
	}
	if _, ok, _ := b.get(key, 2); ok {
		t.Error("a row of another length was taken")
	}
	other := keyOf([]int32{1}, row{tokens: []int32{2, 3}})
	if err := b.put(other, want); err != nil || other == key {
		t.Error(err, "or another cut between prompt and answer has the same key")
	}
	if err := errors.Join(a.close(), b.close()); err != nil {
		t.Fatal(err)
	}
	if c, err := openRowCache(path, "k"); err != nil || len(c.at) != 1 {
		t.Errorf("%v records (%v), want the writer's one", c, err)
	} else if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openRowCache(path, "other"); err == nil {
		t.Error("rows under another key were taken")
	}
}
