package decoder

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// golden is a file of testdata/make_golden.py.
type golden struct {
	cfg     Config
	floats  map[string][]float32
	ints    map[string][]int32
	shapes  map[string][]int
	weights map[string][]float32 // by the model's tensor names
}

func readGolden(t *testing.T, name string) *golden {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(data)
	var header map[string]json.RawMessage
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	g := &golden{floats: map[string][]float32{}, ints: map[string][]int32{}, shapes: map[string][]int{}, weights: map[string][]float32{}}
	var meta struct{ Config string }
	if err := json.Unmarshal(header["__metadata__"], &meta); err != nil {
		t.Fatal(err)
	}
	if g.cfg, err = ParseConfig([]byte(meta.Config)); err != nil {
		t.Fatal(err)
	}
	delete(header, "__metadata__")
	for key, raw := range header {
		var h struct {
			Dtype        string
			Shape        []int
			Data_offsets [2]uint64
		}
		if err := json.Unmarshal(raw, &h); err != nil {
			t.Fatal(err)
		}
		body := data[8+n+h.Data_offsets[0] : 8+n+h.Data_offsets[1]]
		g.shapes[key] = h.Shape
		for ; len(body) > 0; body = body[4:] {
			bits := binary.LittleEndian.Uint32(body)
			if h.Dtype == "I32" {
				g.ints[key] = append(g.ints[key], int32(bits))
			} else {
				g.floats[key] = append(g.floats[key], math.Float32frombits(bits))
			}
		}
		if rest, ok := cutPrefix(key, "weight."); ok {
			g.weights[rest] = g.floats[key]
		}
	}
	return g
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) > len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}

// Tensor makes the golden weights a Source.
func (g *golden) Tensor(name string, shape ...int) ([]float32, error) {
	if !slices.Equal(g.shapes["weight."+name], shape) {
		return nil, fmt.Errorf("tensor %q: shape %v, want %v", name, g.shapes["weight."+name], shape)
	}
	return g.weights[name], nil
}

// packed is the golden sequences as one batch; every row is asked.
func (g *golden) packed() Packed {
	p := Packed{IDs: g.ints["ids"], Target: g.ints["target"]}
	for _, n := range g.ints["lengths"] {
		p.Segs = append(p.Segs, compute.Segment{Start: len(p.Pos), Len: int(n)})
		for i := range n {
			p.Out = append(p.Out, int32(len(p.Pos)))
			p.Pos = append(p.Pos, i)
		}
	}
	return p
}

// compare runs the golden batch through a model and gives the worst errors: of the logits (absolute), and of the
// gradient tensor that is furthest off, max|g-g*|/max|g*|.
func (g *golden) compare(cfg Config, b compute.Backend, src Source) (logitErr, gradErr float64, worst string, err error) {
	m, err := New(cfg, b, src)
	if err != nil {
		return 0, 0, "", err
	}
	defer m.Close()
	m.EnableGrads()
	p := g.packed()
	rows := g.ints["rows"]
	if rows == nil {
		rows = p.Out
	}
	logitErr = maxDiff(m.allLogits(p, rows), g.floats["logits"])

	pass, err := m.LogProbs(p, g.floats["temperature"][0], true)
	if err != nil {
		return 0, 0, "", err
	}
	logitErr = max(logitErr, maxDiff(pass.Stats.LogP, g.floats["logp"]), maxDiff(pass.Stats.Entropy, g.floats["entropy"]))
	if err := pass.Backward(g.floats["a"], g.floats["b"]); err != nil {
		return 0, 0, "", err
	}
	m.FinishGrads()
	compared := 0
	for _, w := range m.Params() {
		want, ok := g.floats["grad."+w.Name]
		if !ok {
			continue
		}
		compared++
		if e := maxDiff(m.Read(w, w.Grad), want) / maxAbs(want); !(e <= gradErr) {
			gradErr, worst = e, w.Name
		}
	}
	if compared < 5 {
		return 0, 0, "", fmt.Errorf("%d gradient tensors compared, want at least 5", compared)
	}
	return logitErr, gradErr, worst, nil
}

// allLogits is Prefill with a cache for the whole batch.
func (m *Model) allLogits(p Packed, rows []int32) []float32 {
	p.Out = rows
	refs := make([]compute.RowRef, len(p.IDs))
	for i := range refs {
		refs[i] = compute.RowRef{Page: int32(i / compute.Page), Slot: int32(i % compute.Page)}
	}
	c := m.NewCache(len(refs)/compute.Page + 1)
	defer m.b.FreeCache(c)
	buf := m.Prefill(c, p, refs)
	defer m.b.Free(buf)
	out := make([]float32, buf.Len())
	m.b.Download(out, buf)
	return out
}

// maxDiff is NaN-proof: a NaN or another length counts as infinitely far.
func maxDiff(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	worst := 0.0
	for i := range a {
		d := math.Abs(float64(a[i]) - float64(b[i]))
		if !(d <= worst) {
			worst = d
		}
		if math.IsNaN(d) {
			return math.Inf(1)
		}
	}
	return worst
}

func maxAbs(a []float32) float64 { return maxDiff(a, make([]float32, len(a))) }
