package decoder

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/ref"
)

// smol is SmolLM2-135M-Instruct.
var smol = Config{ModelType: "llama", Hidden: 576, Inner: 1536, Layers: 30, Heads: 9, KVHeads: 3, HeadDim: 64, Vocab: 49152, MaxPositions: 8192,
	NormEps: 1e-5, RopeTheta: 100000, Tied: true, InitStd: 0.041666666666666664, EOS: []int32{2}, BOS: 1, PAD: 2}

func TestParseConfig(t *testing.T) {
	for file, edit := range map[string]func(*Config){
		"smollm2.json":        func(*Config) {},
		"transformers-5.json": func(c *Config) { c.EOS, c.InitStd, c.PAD = []int32{2, 0}, 0.02, NoToken },
	} {
		data, err := os.ReadFile(filepath.Join("testdata", "config", file))
		if err != nil {
			t.Fatal(err)
		}
		want := smol
		edit(&want)
		got, err := ParseConfig(data)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, error %v, want %+v", file, got, err, want)
		}
		again, err := ParseConfig(got.JSON())
		if err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("%s: own JSON gives %+v, error %v, want %+v", file, again, err, want)
		}
	}
}

func TestParseConfigRefuses(t *testing.T) {
	good := string(smol.JSON())
	for _, c := range []struct{ from, to, want string }{
		{`"llama"`, `"qwen2"`, `model_type: "qwen2" is not in this version, want one of llama`},
		{`"hidden_size": 576`, `"hidden_size": -576`, "hidden_size: -576, want 1 to 65536"},
		{`"hidden_size": 576`, `"hidden_size": 575`, "hidden_size: 575, want a multiple of num_attention_heads 9"},
		{`"hidden_size": 576,`, ``, "hidden_size: missing, want a whole number"},
		{`"hidden_size": 576`, `"hidden_size": "576"`, `hidden_size: "576", want a whole number`},
		{`"num_hidden_layers": 30`, `"num_hidden_layers": 1e9`, "num_hidden_layers: 1e9, want a whole number"},
		{`"num_hidden_layers": 30`, `"num_hidden_layers": 1000000`, "num_hidden_layers: 1000000, want 1 to 1024"},
		{`"num_key_value_heads": 3`, `"num_key_value_heads": 4`, "num_key_value_heads: 4, want a divisor of num_attention_heads 9"},
		{`"num_attention_heads": 9`, `"num_attention_heads": 0`, "num_attention_heads: 0, want 1 to 1024"},
		{`"head_dim": 64`, `"head_dim": 63`, "head_dim: 63, want an even number"},
		{`"vocab_size": 49152`, `"vocab_size": 2`, "eos_token_id: 2, want 0 to 1 (vocab_size - 1)"},
		{`"rms_norm_eps": 0.00001`, `"rms_norm_eps": 0`, "rms_norm_eps: 0, want more than 0"},
		{`"rms_norm_eps": 0.00001,`, ``, "rms_norm_eps: missing, want a number"},
		{`"rope_type": "default"`, `"rope_type": "llama3"`, `rope_parameters.rope_type: "llama3" is not in this version, want default`},
		{`"rope_parameters": {`, `"rope_scaling": {"type": "linear", "factor": 2}, "x": {`, `rope_scaling.rope_type: "linear" is not in this version`},
		{`"rope_type": "default"`, `"rope_theta": 0.5`, "rope_theta: 0.5, want a finite number from 1"},
		{`"silu"`, `"gelu"`, "hidden_act: gelu, want silu"},
		{`"attention_bias": false`, `"attention_bias": true`, "attention_bias: true is not in this version, want false"},
		{`"mlp_bias": false`, `"mlp_bias": true`, "mlp_bias: true is not in this version, want false"},
		{`"mlp_bias": false`, `"quantization_config": {"bits": 4}`, "quantization_config: a quantized checkpoint is not in this version"},
		{`"eos_token_id": 2`, `"eos_token_id": "</s>"`, `eos_token_id: "</s>", want a token id or a list of them`},
		{`"eos_token_id": 2`, `"eos_token_id": [2, 49152]`, "eos_token_id: 49152, want 0 to 49151"},
		{`{`, `[`, "want one JSON object"},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		if c.to == `"rope_theta": 0.5` { // the later of two equal keys counts
			text = strings.Replace(good, `"rope_theta": 100000`+",\n    ", `"rope_theta": 0.5,`, 1)
		}
		_, err := ParseConfig([]byte(text))
		if text == good || err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "config.json: ") {
			t.Errorf("%s: error %v, want %s", c.to, err, c.want)
		}
	}
}

// smolGGUF is what llama.cpp's converter writes for SmolLM2.
func smolGGUF() map[string]any {
	return map[string]any{
		"general.architecture": "llama", "llama.block_count": uint32(30), "llama.embedding_length": uint32(576),
		"llama.feed_forward_length": uint32(1536), "llama.attention.head_count": uint32(9), "llama.attention.head_count_kv": uint32(3),
		"llama.attention.layer_norm_rms_epsilon": float32(1e-5), "llama.rope.freq_base": float32(100000),
		"llama.rope.dimension_count": uint32(64), "llama.context_length": uint32(8192), "llama.vocab_size": uint32(49152),
		"tokenizer.ggml.tokens": make([]string, 49152), "tokenizer.ggml.eos_token_id": uint32(2), "tokenizer.ggml.bos_token_id": uint32(1),
		"tokenizer.ggml.padding_token_id": uint32(2),
	}
}

func getter(m map[string]any) func(string) (any, bool) {
	return func(key string) (any, bool) { v, ok := m[key]; return v, ok }
}

func TestConfigFromGGUF(t *testing.T) {
	want := smol
	want.InitStd = 0.02 // GGUF has no word for it
	got, err := ConfigFromGGUF(getter(smolGGUF()), true)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, error %v, want %+v", got, err, want)
	}
	for _, c := range []struct {
		key  string
		v    any
		want string
	}{
		{"general.architecture", "gemma", "general.architecture: gemma is not in this version, want one of llama"},
		{"llama.block_count", nil, "llama.block_count: missing, want a whole number"},
		{"llama.block_count", "30", "llama.block_count: 30, want a whole number"},
		{"llama.block_count", uint64(1) << 63, "llama.block_count: 9223372036854775808, want a whole number up to 2147483647"},
		{"llama.attention.head_count_kv", []int32{3, 3}, "llama.attention.head_count_kv: a list of 2 values"},
		{"llama.rope.dimension_count", uint32(32), "llama.rope.dimension_count: 32, want the head size 64"},
		{"llama.rope.scaling.type", "yarn", "llama.rope.scaling.type: yarn is not in this version"},
		{"llama.attention.layer_norm_rms_epsilon", nil, "llama.attention.layer_norm_rms_epsilon: missing, want a number"},
		{"tokenizer.ggml.tokens", []string{"a"}, "eos_token_id: 2, want 0 to 0"},
	} {
		m := smolGGUF()
		m[c.key] = c.v
		if c.v == nil {
			delete(m, c.key)
		}
		if _, err := ConfigFromGGUF(getter(m), true); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s = %v: error %v, want %s", c.key, c.v, err, c.want)
		}
	}
}

// FuzzParseConfig: what is accepted is valid and comes back equal from its own JSON.
func FuzzParseConfig(f *testing.F) {
	f.Add(smol.JSON())
	f.Add([]byte(`{"model_type":"llama","rope_scaling":null,"eos_token_id":[1]}`))
	f.Add([]byte(`{"model_type":"llama","num_attention_heads":0,"hidden_size":1e400}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil {
			return
		}
		again, err := ParseConfig(c.JSON())
		if err != nil || !reflect.DeepEqual(c, again) && len(c.EOS) > 0 {
			t.Errorf("%+v became %+v, error %v", c, again, err)
		}
	})
}

// badSource serves random weights but for one tensor.
type badSource struct {
	Source
	name string
	data []float32
	err  error
}

func (s badSource) Tensor(name string, shape ...int) ([]float32, error) {
	if name == s.name {
		return s.data, s.err
	}
	return s.Source.Tensor(name, shape...)
}

func TestNewRefusesBadWeights(t *testing.T) {
	c := tiny(true)
	nan := make([]float32, c.Inner*c.Hidden)
	nan[7] /= nan[0]
	missing := errors.New("model.safetensors: no tensor")
	for _, s := range []struct {
		src  badSource
		want string
	}{
		{badSource{name: "model.layers.1.mlp.up_proj.weight", data: nan}, `tensor "model.layers.1.mlp.up_proj.weight": element 7 is NaN, want a finite number`},
		{badSource{name: "model.norm.weight", data: make([]float32, 3)}, `tensor "model.norm.weight": 3 elements, want [12]`},
		{badSource{name: "model.norm.weight", err: missing}, missing.Error()},
	} {
		s.src.Source = RandomSource(c, 1)
		l := &ledger{Backend: ref.New()}
		if _, err := New(c, l, s.src); err == nil || err.Error() != s.want {
			t.Errorf("error %v, want %s", err, s.want)
		}
		if l.live != 0 {
			t.Errorf("%d bytes are held after a failed load, want 0", l.live)
		}
	}
}

func TestLogProbsRefusesMalformedBatches(t *testing.T) {
	m := newModel(t, ref.New(), tiny(true), false)
	defer m.Close()
	for want, edit := range map[string]func(p *Packed){
		"batch: row 3: token id 19, want 0 to 18":                     func(p *Packed) { p.IDs[3] = 19 },
		"batch: row 3: position 128, want 0 to 127":                   func(p *Packed) { p.Pos[3] = 128 },
		"batch: no tokens, want at least one":                         func(p *Packed) { *p = Packed{} },
		"batch: 1 positions, want":                                    func(p *Packed) { p.Pos = p.Pos[:1] },
		"batch: output 0: row -1, want 0 to":                          func(p *Packed) { p.Out[0] = -1 },
		"batch: target 1: token id -5, want 0 to 18":                  func(p *Packed) { p.Target[1] = -5 },
		"batch: segment 1: prefix 1+21, want a whole earlier segment": func(p *Packed) { p.Segs[1].Prefix = 1 },
		"batch: segment 1: rows 21+0, want a start at 21":             func(p *Packed) { p.Segs[1].Len = 0 },
		"batch: segments cover":                                       func(p *Packed) { p.Segs = p.Segs[:2] },
	} {
		p := pack(drawGroups(m.cfg.Vocab))
		edit(&p)
		if _, err := m.LogProbs(p, 1, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := m.LogProbs(pack(drawGroups(m.cfg.Vocab)), 0, false); err == nil {
		t.Error("temperature 0 was accepted")
	}
}
