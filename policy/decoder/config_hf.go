package decoder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// MaxConfigBytes bounds a config.json.
const MaxConfigBytes = 1 << 20

// ParseConfig reads a Hugging Face config.json. Both places of the rotary base are known: rope_theta, and
// rope_parameters of transformers 5. Keys that don't change the arithmetic are passed over.
func ParseConfig(data []byte) (Config, error) {
	c, err := parseConfig(data)
	if err != nil {
		return Config{}, fmt.Errorf("config.json: %w", err)
	}
	return c, nil
}

func parseConfig(data []byte) (Config, error) {
	if len(data) > MaxConfigBytes {
		return Config{}, fmt.Errorf("%d bytes, want at most %d", len(data), MaxConfigBytes)
	}
	k := &keys{}
	if err := json.Unmarshal(data, &k.raw); err != nil {
		return Config{}, fmt.Errorf("%w, want one JSON object", err)
	}
	c := Config{ModelType: k.text("model_type", "")}
	if _, ok := familyByType(c.ModelType); !ok && k.err == nil {
		return Config{}, fmt.Errorf("model_type: %q is not in this version, want one of %s", c.ModelType, familyNames())
	}
	c.Hidden = k.integer("hidden_size")
	c.Inner = k.integer("intermediate_size")
	c.Layers = k.integer("num_hidden_layers")
	c.Heads = k.integer("num_attention_heads")
	c.KVHeads = c.Heads
	if k.has("num_key_value_heads") {
		c.KVHeads = k.integer("num_key_value_heads")
	}
	if k.has("head_dim") {
		c.HeadDim = k.integer("head_dim")
	} else if c.Heads > 0 {
		c.HeadDim = c.Hidden / c.Heads // Validate refuses a remainder
	}
	c.Vocab = k.integer("vocab_size")
	c.MaxPositions = k.integer("max_position_embeddings")
	c.NormEps = float32(k.number("rms_norm_eps", math.NaN()))
	c.InitStd = k.number("initializer_range", 0.02)
	c.Tied = k.truth("tie_word_embeddings")
	c.EOS = k.ids("eos_token_id")
	c.BOS, c.PAD = k.id("bos_token_id"), k.id("pad_token_id")
	c.RopeTheta = k.rope()
	k.refuse()
	if k.err != nil {
		return Config{}, k.err
	}
	return c, c.Validate()
}

// refuse reports arithmetic that this version doesn't have.
func (k *keys) refuse() {
	if act := k.text("hidden_act", "silu"); act != "silu" {
		k.fail("hidden_act", act, "silu")
	}
	for _, key := range []string{"attention_bias", "mlp_bias"} {
		if k.truth(key) {
			k.fail(key, "true is not in this version", "false")
		}
	}
	if n := k.number("pretraining_tp", 1); n != 1 {
		k.fail("pretraining_tp", n, "1")
	}
	if k.has("quantization_config") {
		k.fail("quantization_config", "a quantized checkpoint is not in this version", "plain weights")
	}
}

// rope gives the rotary base from either place and refuses scaled rotary positions.
func (k *keys) rope() float64 {
	theta := k.number("rope_theta", 10000)
	for _, key := range []string{"rope_parameters", "rope_scaling"} {
		if !k.has(key) {
			continue
		}
		in := &keys{prefix: key + "."}
		if err := json.Unmarshal(k.raw[key], &in.raw); err != nil {
			k.fail(key, string(k.raw[key]), "an object or null")
			return theta
		}
		kind := in.text("rope_type", in.text("type", "default"))
		if kind != "default" && kind != "none" {
			in.fail("rope_type", fmt.Sprintf("%q is not in this version", kind), "default")
		}
		if f := in.number("partial_rotary_factor", 1); f != 1 {
			in.fail("partial_rotary_factor", f, "1")
		}
		theta = in.number("rope_theta", theta)
		if k.err == nil {
			k.err = in.err
		}
	}
	return theta
}

// JSON is a config.json that transformers loads. It says nothing of the weights' type.
func (c Config) JSON() []byte {
	f, _ := familyByType(c.ModelType)
	out := struct {
		Architectures []string       `json:"architectures"`
		ModelType     string         `json:"model_type"`
		Hidden        int            `json:"hidden_size"`
		Inner         int            `json:"intermediate_size"`
		Layers        int            `json:"num_hidden_layers"`
		Heads         int            `json:"num_attention_heads"`
		KVHeads       int            `json:"num_key_value_heads"`
		HeadDim       int            `json:"head_dim"`
		Vocab         int            `json:"vocab_size"`
		MaxPositions  int            `json:"max_position_embeddings"`
		NormEps       float32        `json:"rms_norm_eps"` // float32: 1e-05, not 9.99999974737875e-06
		RopeTheta     float64        `json:"rope_theta"`
		Rope          map[string]any `json:"rope_parameters"`
		Act           string         `json:"hidden_act"`
		AttentionBias bool           `json:"attention_bias"`
		MLPBias       bool           `json:"mlp_bias"`
		Tied          bool           `json:"tie_word_embeddings"`
		InitStd       float64        `json:"initializer_range"`
		BOS           *int32         `json:"bos_token_id"`
		EOS           any            `json:"eos_token_id"`
		PAD           *int32         `json:"pad_token_id"`
	}{
		[]string{f.architecture}, c.ModelType, c.Hidden, c.Inner, c.Layers, c.Heads, c.KVHeads, c.HeadDim, c.Vocab, c.MaxPositions,
		c.NormEps, c.RopeTheta, map[string]any{"rope_type": "default", "rope_theta": c.RopeTheta},
		"silu", false, false, c.Tied, c.InitStd, present(c.BOS), nil, present(c.PAD),
	}
	switch len(c.EOS) {
	case 0:
	case 1:
		out.EOS = c.EOS[0]
	default:
		out.EOS = c.EOS
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		panic("decoder: config holds a number that JSON has no word for: " + err.Error()) // Validate refuses those
	}
	return b.Bytes()
}

func present(id int32) *int32 {
	if id == NoToken {
		return nil
	}
	return &id
}
