package adapter

import (
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/internal/compute/ref"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/weights"
)

// prefixed reads the decoder's golden weights.
type prefixed struct{ *weights.Safetensors }

func (p prefixed) Tensor(name string, shape ...int) ([]float32, error) {
	return p.Safetensors.Tensor("weight."+name, shape...)
}

func tensor(t *testing.T, f *weights.Safetensors, name string) []float32 {
	t.Helper()
	x, err := f.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// withPEFT loads the golden base model and the adapter that PEFT saved.
func withPEFT(t *testing.T, b compute.Backend) (m, base *decoder.Model) {
	t.Helper()
	f := golden(t, "../decoder/testdata/tied.safetensors")
	cfg, err := decoder.ParseConfig([]byte(f.Metadata()["config"]))
	if err != nil {
		t.Fatal(err)
	}
	var models [2]*decoder.Model
	for i := range models {
		if models[i], err = decoder.New(cfg, b, prefixed{f}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(models[i].Close)
	}
	text, err := os.ReadFile("testdata/" + ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ParseConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := Load(models[0], l, golden(t, "testdata/"+WeightsFile)); err != nil {
		t.Fatal(err)
	}
	return models[0], models[1]
}

func logits(m *decoder.Model, p decoder.Packed) []float32 {
	refs := make([]compute.RowRef, len(p.IDs))
	for i := range refs {
		refs[i] = compute.RowRef{Page: int32(i / compute.Page), Slot: int32(i % compute.Page)}
	}
	c := m.NewCache(len(refs)/compute.Page + 1)
	defer m.Backend().FreeCache(c)
	buf := m.Prefill(c, p, refs)
	defer m.Backend().Free(buf)
	out := make([]float32, buf.Len())
	m.Backend().Download(out, buf)
	return out
}

func maxDiff(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	worst := 0.0
	for i := range a {
		if d := math.Abs(float64(a[i]) - float64(b[i])); !(d <= worst) {
			worst = d
		}
	}
	return worst
}

// goldenBatch is the one sequence of testdata/golden.safetensors.
func goldenBatch(t *testing.T) (p decoder.Packed, g *weights.Safetensors) {
	t.Helper()
	g = golden(t, "testdata/golden.safetensors")
	ids := tensor(t, g, "ids")
	for i := range len(ids) - 1 {
		p.IDs = append(p.IDs, int32(ids[i]))
		p.Pos = append(p.Pos, int32(i))
		p.Out = append(p.Out, int32(i))
		p.Target = append(p.Target, int32(ids[i+1]))
	}
	p.Segs = []compute.Segment{{Len: len(p.IDs)}}
	return p, g
}

func TestParityWithPEFT(t *testing.T) {
	for _, b := range []compute.Backend{ref.New(), cpu.New(2)} {
		t.Run(b.Name(), func(t *testing.T) { parityWithPEFT(t, b) })
	}
}

func parityWithPEFT(t *testing.T, b compute.Backend) {
	m, _ := withPEFT(t, b)
	p, g := goldenBatch(t)
	if d := maxDiff(logits(m, p), tensor(t, g, "logits")); !(d < 1e-4) {
		t.Errorf("logits are off by %.3g, want at most 1e-4", d)
	}
	m.EnableGrads()
	pass, err := m.LogProbs(p, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := pass.Backward(tensor(t, g, "a"), tensor(t, g, "b")); err != nil {
		t.Fatal(err)
	}
	m.FinishGrads()
	for _, w := range Params(m) {
		want := tensor(t, g, "grad."+w.Name)
		if e := maxDiff(m.Read(w, w.Grad), want) / maxDiff(want, make([]float32, len(want))); !(e < 1e-4) {
			t.Errorf("gradient of %s is off by %.3g, want at most 1e-4", w.Name, e)
		}
	}
}

// merged is a Source of a model's merged weights.
type merged struct{ m *decoder.Model }

func (s merged) Tensor(name string, _ ...int) ([]float32, error) {
	for _, p := range s.m.Params() {
		if p.Name == name {
			return s.m.ReadMerged(p), nil
		}
	}
	panic("no tensor " + name)
}

func TestMergedModelAgrees(t *testing.T) {
	for _, b := range []compute.Backend{ref.New(), cpu.New(2)} {
		t.Run(b.Name(), func(t *testing.T) { mergedModelAgrees(t, b) })
	}
}

func mergedModelAgrees(t *testing.T, b compute.Backend) {
	m, base := withPEFT(t, b)
	p, _ := goldenBatch(t)
	one, err := decoder.New(m.Config(), b, merged{m})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	want := logits(m, p)
	if d := maxDiff(logits(one, p), want); !(d < 1e-5) {
		t.Errorf("merged logits are off by %.3g, want at most 1e-5", d)
	}
	plain := logits(base, p)
	if d := maxDiff(plain, want); d < 0.1 {
		t.Errorf("the adapter moves logits by %.3g only, so this test sees nothing", d)
	}
	m.WithoutAdapter(func() error {
		if d := maxDiff(logits(m, p), plain); d != 0 {
			t.Errorf("without its adapter the model is %.3g off the base model, want 0", d)
		}
		return nil
	})
	if d := maxDiff(logits(m, p), want); d != 0 {
		t.Errorf("the adapter is not back on: off by %.3g", d)
	}
}

func TestConfigReturns(t *testing.T) {
	l := LoRA{Rank: 4, Alpha: 6.5, Targets: []string{"q_proj", "down_proj"}, RSLoRA: true}
	got, err := ParseConfig(l.JSON("some/model"))
	if err != nil || !reflect.DeepEqual(got, l) {
		t.Errorf("%+v, error %v, want %+v", got, err, l)
	}
	all := LoRA{Rank: 4, Alpha: 8, Targets: []string{AllLinear}}
	if got, err := ParseConfig(all.JSON("")); err != nil || !reflect.DeepEqual(got.Targets, Modules) {
		t.Errorf("targets %q, error %v, want %q", got.Targets, err, Modules)
	}
}

func TestConfigRefuses(t *testing.T) {
	const good = `{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": "all-linear", "lora_dropout": 0.05, "bias": "none", "use_dora": false}`
	if l, err := ParseConfig([]byte(good)); err != nil || l.Dropout != 0.05 {
		t.Errorf("%+v, error %v", l, err)
	}
	for _, c := range []struct{ from, to, want string }{
		{`"LORA"`, `"IA3"`, `peft_type: "IA3" is not in this version`},
		{`"use_dora": false`, `"use_dora": true`, "use_dora: true is not in this version"},
		{`"none"`, `"all"`, `bias: "all" is not in this version`},
		{`"bias": "none"`, `"modules_to_save": ["lm_head"]`, `modules_to_save: ["lm_head"] is not in this version`},
		{`"bias": "none"`, `"rank_pattern": {"q_proj": 2}`, `rank_pattern: {"q_proj":2} is not in this version`},
		{`"r": 4`, `"r": 4.5`, "r: 4.5, want a whole number"},
		{`"r": 4`, `"r": -4`, "lora: rank: -4"},
		{`"all-linear"`, `".*proj"`, `target_modules: ".*proj", want "all-linear" or a list`},
		{`"all-linear"`, `["wte"]`, `lora: targets: "wte"`},
		{`{`, `[`, "want one JSON object"},
	} {
		_, err := ParseConfig([]byte(strings.Replace(good, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "adapter_config.json: ") {
			t.Errorf("%s: error %v, want %s", c.to, err, c.want)
		}
	}
}

// FuzzParseConfig: what is accepted is valid and comes back from its own JSON.
func FuzzParseConfig(f *testing.F) {
	peft, err := os.ReadFile("testdata/" + ConfigFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(peft)
	f.Add([]byte(`{"peft_type":"LORA","r":1,"lora_alpha":1e300,"target_modules":["q_proj"],"use_rslora":true}`))
	f.Add([]byte(`{"peft_type":"LORA","r":null,"target_modules":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ParseConfig(data)
		if err != nil {
			return
		}
		again, err := ParseConfig(l.JSON(""))
		if err != nil || again.Scale() != l.Scale() || !reflect.DeepEqual(again.modules(), l.modules()) {
			t.Errorf("%+v became %+v, error %v", l, again, err)
		}
	})
}
