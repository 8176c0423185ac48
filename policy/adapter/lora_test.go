package adapter

import (
	"math"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/ref"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/weights"
)

func TestValidate(t *testing.T) {
	good := LoRA{Rank: 8, Alpha: 16, Targets: []string{"q_proj", "v_proj"}}
	if err := good.ValidateTraining(); err != nil {
		t.Error(err)
	}
	if s := good.Scale(); s != 2 {
		t.Errorf("scale %g, want 2", s)
	}
	if s := (LoRA{Rank: 16, Alpha: 8, RSLoRA: true}).Scale(); s != 2 {
		t.Errorf("rslora scale %g, want 2", s)
	}
	for want, l := range map[string]LoRA{
		"lora: rank: 0, want 1 to 1024":                                  {Alpha: 1, Targets: []string{AllLinear}},
		"lora: rank: 1025, want 1 to 1024":                               {Rank: 1025, Alpha: 1, Targets: []string{AllLinear}},
		"lora: alpha: NaN, want a finite number above 0":                 {Rank: 1, Alpha: math.NaN(), Targets: []string{AllLinear}},
		"lora: alpha: -1, want a finite number above 0":                  {Rank: 1, Alpha: -1, Targets: []string{AllLinear}},
		"lora: dropout: 0.1 is not in this version for training, want 0": {Rank: 1, Alpha: 1, Targets: []string{AllLinear}, Dropout: 0.1},
		"lora: targets: none, want all-linear or some of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj":               {Rank: 1, Alpha: 1},
		`lora: targets: "lm_head", want all-linear alone or some of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj`:    {Rank: 1, Alpha: 1, Targets: []string{"q_proj", "lm_head"}},
		`lora: targets: "all-linear", want all-linear alone or some of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj`: {Rank: 1, Alpha: 1, Targets: []string{"q_proj", AllLinear}},
		`lora: targets: "q_proj" is there twice`: {Rank: 1, Alpha: 1, Targets: []string{"q_proj", "q_proj"}},
	} {
		if err := l.ValidateTraining(); err == nil || err.Error() != want {
			t.Errorf("%+v: error %v, want %s", l, err, want)
		}
	}
}

var tiny = decoder.Config{ModelType: "llama", Hidden: 32, Inner: 48, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 8, Vocab: 50, MaxPositions: 64,
	NormEps: 1e-5, RopeTheta: 10000, Tied: true, InitStd: 0.1, BOS: decoder.NoToken, PAD: decoder.NoToken}

func newTiny(t *testing.T) *decoder.Model {
	t.Helper()
	m, err := decoder.New(tiny, ref.New(), decoder.RandomSource(tiny, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// score gives the log-probs of a short sequence.
func score(t *testing.T, m *decoder.Model) []float32 {
	t.Helper()
	p := decoder.Packed{IDs: []int32{1, 7, 3, 9, 2}, Pos: []int32{0, 1, 2, 3, 4}, Segs: []compute.Segment{{Len: 5}},
		Out: []int32{0, 1, 2, 3, 4}, Target: []int32{7, 3, 9, 2, 4}}
	pass, err := m.LogProbs(p, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	return pass.Stats.LogP
}

func TestFreshAdapterChangesNothing(t *testing.T) {
	m := newTiny(t)
	before := score(t, m)
	if err := Attach(m, LoRA{Rank: 5, Alpha: 10, Targets: []string{"up_proj", "q_proj"}}, 1); err != nil {
		t.Fatal(err)
	}
	if after := score(t, m); !slices.Equal(before, after) {
		t.Errorf("log-probs %v, want %v", after, before)
	}
	var names []string
	for _, p := range Params(m) {
		names = append(names, p.Name)
	}
	want := []string{}
	for _, layer := range []string{"0", "1"} {
		for _, mod := range []string{"self_attn.q_proj", "mlp.up_proj"} {
			for _, part := range []string{"A", "B"} {
				want = append(want, "base_model.model.model.layers."+layer+"."+mod+".lora_"+part+".weight")
			}
		}
	}
	if !slices.Equal(names, want) {
		t.Errorf("tensors %q, want %q", names, want)
	}
}

// TestFreshAIsKaimingUniform: A is uniform in ±1/√K, with variance 1/(3K), and depends on the seed.
func TestFreshAIsKaimingUniform(t *testing.T) {
	draw := func(seed uint64) []float32 {
		m := newTiny(t)
		if err := Attach(m, LoRA{Rank: 1024, Alpha: 1, Targets: []string{"k_proj"}}, seed); err != nil {
			t.Fatal(err)
		}
		p := Params(m)[0]
		return m.Read(p, p.Data)
	}
	a := draw(1)
	bound, squares, most := 1/math.Sqrt(32), 0.0, 0.0
	for _, x := range a {
		squares += float64(x) * float64(x)
		most = max(most, math.Abs(float64(x)))
	}
	if v := squares / float64(len(a)) * 3 / (bound * bound); math.Abs(v-1) > 0.02 || most > bound || most < 0.999*bound {
		t.Errorf("variance is %.4f of the wanted one, largest %g, want up to %g", v, most, bound)
	}
	if !slices.Equal(a, draw(1)) || slices.Equal(a, draw(2)) {
		t.Error("the draw isn't a function of the seed")
	}
}

func TestOnlyTheAdapterIsTrained(t *testing.T) {
	m := newTiny(t)
	if err := Attach(m, LoRA{Rank: 2, Alpha: 2, Targets: []string{AllLinear}}, 1); err != nil {
		t.Fatal(err)
	}
	m.EnableGrads()
	trained := 0
	for _, p := range m.Params() {
		if (p.Grad != nil) != p.Trainable {
			t.Errorf("%s: trainable %v, gradient %v", p.Name, p.Trainable, p.Grad)
		}
		if p.Trainable {
			trained++
		}
	}
	if trained != len(Params(m)) || trained != 2*7*tiny.Layers {
		t.Errorf("%d tensors are trained, want the adapter's %d", trained, 2*7*tiny.Layers)
	}
	if err := Attach(m, LoRA{Rank: 2, Alpha: 2, Targets: []string{AllLinear}}, 1); err == nil {
		t.Error("a second adapter on the same modules was accepted")
	}
}

// golden opens a file of a make_golden.py.
func golden(t *testing.T, path string) *weights.Safetensors {
	t.Helper()
	f, err := weights.OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
