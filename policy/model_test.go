package policy

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/internal/rng"
	"github.com/burnish-rl/burnish/policy/adapter"
)

// newConfig is a small random model over the builtin tokenizer; its weights are large, so its samples differ.
const newConfig = `{"model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
 "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 442, "max_position_embeddings": 128, "rms_norm_eps": 1e-05,
 "tie_word_embeddings": true, "initializer_range": 0.3, "bos_token_id": 0, "eos_token_id": [2, 0], "pad_token_id": 0}`

var everywhere = adapter.LoRA{Rank: 3, Alpha: 6, Targets: []string{adapter.AllLinear}}

func newModel(t testing.TB, threads int) *Model {
	t.Helper()
	return openNew(t, newConfig, threads)
}

func openNew(t testing.TB, config string, threads int) *Model {
	t.Helper()
	m, err := OpenNew([]byte(config), "builtin:tiny", 7, cpu.New(threads))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// withAdapter attaches an adapter whose B is not 0, as after some training.
func withAdapter(t testing.TB, m *Model) *Model {
	t.Helper()
	if err := m.AttachLoRA(everywhere, 3); err != nil {
		t.Fatal(err)
	}
	shake(m, adapter.Params(m.dec), 0.2)
	return m
}

// shake adds noise to tensors.
func shake(m *Model, params []*Param, std float64) {
	for i, p := range params {
		w := m.Read(p, p.Data)
		for j := range w {
			w[j] += float32(std * rng.Normal(17, rng.Tasks, rng.At{A: uint32(i), B: uint32(j)}))
		}
		m.Write(p, p.Data, w)
	}
}

func open(t testing.TB, from string) *Model {
	t.Helper()
	m, err := Open(from, cpu.New(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func drawIDs(n, which int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(rng.Intn(12, rng.Tasks, rng.At{A: uint32(which), B: uint32(i)}, 400))
	}
	return out
}

// someBatch has shared prompts, an empty row, and a row of which a part is trained.
func someBatch() Batch {
	return Batch{
		Prompts: [][]int32{drawIDs(17, 1), drawIDs(1, 2), drawIDs(16, 3)},
		Rows: []Row{
			{Prompt: 0, Tokens: drawIDs(9, 4)}, {Prompt: 0}, {Prompt: 0, Tokens: drawIDs(1, 5)},
			{Prompt: 1, Tokens: drawIDs(4, 6), Train: []bool{false, true, false, true}},
			{Prompt: 2, Tokens: drawIDs(20, 7)},
		},
		Temperature: 0.7,
	}
}

func logProbs(t testing.TB, m *Model, b Batch) []float32 {
	t.Helper()
	tokens, err := m.LogProbs(b, false)
	if err != nil {
		t.Fatal(err)
	}
	return tokens.LogP
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// gradients are those of the parameters that are trained, one after the other.
func gradients(m *Model) (out []float32) {
	for _, p := range m.Params() {
		if p.Trainable {
			out = append(out, m.Read(p, p.Grad)...)
		}
	}
	return out
}

type golden struct {
	Prompt      []int32
	Rows        [][]int32
	Temperature float32
	LogPs       [][]float64
	Rendered    string
	RenderedIDs []int32 `json:"rendered_ids"`
}

func readGolden(t testing.TB) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g golden) batch() Batch {
	b := Batch{Prompts: [][]int32{g.Prompt}, Temperature: g.Temperature}
	for _, r := range g.Rows {
		b.Rows = append(b.Rows, Row{Tokens: r})
	}
	return b
}

// copyDir copies a model folder, so that a test can spoil it.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
