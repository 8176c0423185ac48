package decoder

import (
	"fmt"
	"math"
	"reflect"
)

// ConfigFromGGUF reads a GGUF file's metadata. get gives the value of a key: a Go integer, float, string, bool or
// slice. tied says that the file has no output.weight.
//
// Source: the key list of ggml/docs/gguf.md.
func ConfigFromGGUF(get func(key string) (any, bool), tied bool) (Config, error) {
	c, err := configFromGGUF(get, tied)
	if err != nil {
		return Config{}, fmt.Errorf("gguf metadata: %w", err)
	}
	return c, nil
}

func configFromGGUF(get func(key string) (any, bool), tied bool) (Config, error) {
	g := &ggufKeys{get: get}
	arch, _ := get("general.architecture")
	var f family
	for _, each := range families {
		if arch == each.gguf {
			f = each
		}
	}
	if f.gguf == "" {
		return Config{}, fmt.Errorf("general.architecture: %v is not in this version, want one of %s", arch, familyNames())
	}
	p := f.gguf + "."
	c := Config{ModelType: f.modelType, Tied: tied, InitStd: 0.02}
	c.Layers = g.integer(p + "block_count")
	c.Hidden = g.integer(p + "embedding_length")
	c.Inner = g.integer(p + "feed_forward_length")
	c.Heads = g.integer(p + "attention.head_count")
	c.KVHeads = g.integerOr(p+"attention.head_count_kv", c.Heads)
	c.MaxPositions = g.integer(p + "context_length")
	c.NormEps = float32(g.number(p+"attention.layer_norm_rms_epsilon", math.NaN()))
	c.RopeTheta = g.number(p+"rope.freq_base", 10000)
	if c.Heads > 0 {
		c.HeadDim = g.integerOr(p+"attention.key_length", c.Hidden/c.Heads)
	}
	if n := g.integerOr(p+"attention.value_length", c.HeadDim); n != c.HeadDim {
		g.fail(p+"attention.value_length", n, fmt.Sprintf("the key length %d", c.HeadDim))
	}
	if n := g.integerOr(p+"rope.dimension_count", c.HeadDim); n != c.HeadDim {
		g.fail(p+"rope.dimension_count", n, fmt.Sprintf("the head size %d", c.HeadDim))
	}
	if kind, ok := get(p + "rope.scaling.type"); ok && kind != "none" {
		g.fail(p+"rope.scaling.type", fmt.Sprintf("%v is not in this version", kind), "none")
	}
	c.Vocab = g.vocab(p)
	c.BOS = g.id("tokenizer.ggml.bos_token_id")
	c.PAD = g.id("tokenizer.ggml.padding_token_id")
	for _, key := range []string{"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"} {
		if id := g.id(key); id != NoToken && (len(c.EOS) == 0 || c.EOS[0] != id) {
			c.EOS = append(c.EOS, id)
		}
	}
	if g.err != nil {
		return Config{}, g.err
	}
	return c, c.Validate()
}

// ggufKeys reads typed values and keeps the first error.
type ggufKeys struct {
	get func(key string) (any, bool)
	err error
}

func (g *ggufKeys) fail(key string, found any, want string) {
	if g.err == nil {
		g.err = fmt.Errorf("%s: %v, want %s", key, found, want)
	}
}

func (g *ggufKeys) integer(key string) int {
	v, ok := g.get(key)
	if !ok {
		g.fail(key, "missing", "a whole number")
		return 0
	}
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return int(r.Int())
	case r.CanUint() && r.Uint() <= math.MaxInt32:
		return int(r.Uint())
	case r.Kind() == reflect.Slice:
		g.fail(key, fmt.Sprintf("a list of %d values (layers that differ are not in this version)", r.Len()), "one number")
	default:
		g.fail(key, v, "a whole number up to 2147483647")
	}
	return 0
}

func (g *ggufKeys) integerOr(key string, standard int) int {
	if _, ok := g.get(key); !ok {
		return standard
	}
	return g.integer(key)
}

// number is standard where the key is missing; a NaN standard makes the key required.
func (g *ggufKeys) number(key string, standard float64) float64 {
	v, ok := g.get(key)
	if !ok {
		if math.IsNaN(standard) {
			g.fail(key, "missing", "a number")
		}
		return standard
	}
	r := reflect.ValueOf(v)
	switch {
	case r.CanFloat():
		return r.Float()
	case r.CanInt():
		return float64(r.Int())
	case r.CanUint():
		return float64(r.Uint())
	}
	g.fail(key, v, "a number")
	return 0
}

func (g *ggufKeys) id(key string) int32 {
	n := g.integerOr(key, int(NoToken))
	if n < int(NoToken) || n >= MaxVocab {
		g.fail(key, n, "a token id")
		return NoToken
	}
	return int32(n)
}

// vocab is the number of tokens listed, else the number claimed.
func (g *ggufKeys) vocab(prefix string) int {
	const tokens = "tokenizer.ggml.tokens"
	if v, ok := g.get(tokens); ok {
		if r := reflect.ValueOf(v); r.Kind() == reflect.Slice {
			return r.Len()
		}
		g.fail(tokens, v, "a list")
		return 0
	}
	return g.integer(prefix + "vocab_size")
}
