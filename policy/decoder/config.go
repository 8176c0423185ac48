package decoder

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Limits of a model's shape. What lies beyond them is taken for a corrupt file.
const (
	MaxHidden  = 1 << 16
	MaxInner   = 1 << 18
	MaxLayers  = 1 << 10
	MaxHeads   = 1 << 10
	MaxHeadDim = 1 << 10
	MaxVocab   = 1 << 21
	MaxContext = 1 << 24
)

// Config is the shape of a decoder. Make one with [ParseConfig] or [ConfigFromGGUF].
type Config struct {
	ModelType    string // the family, "llama"
	Hidden       int    // width of the residual stream
	Inner        int    // width of the feed-forward
	Layers       int
	Heads        int     // query heads
	KVHeads      int     // key-value heads; divides Heads
	HeadDim      int     // even; Heads·HeadDim need not be Hidden
	Vocab        int     // rows of the embedding
	MaxPositions int     // longest context, in tokens
	NormEps      float32 // added to the mean square in RMSNorm
	RopeTheta    float64 // base of the rotary frequencies
	Tied         bool    // the head is the embedding
	InitStd      float64 // standard deviation of fresh weights
	EOS          []int32 // any of them ends a sequence
	BOS, PAD     int32   // -1 when there is none
}

// Attention is the shape the attention kernels ask for.
func (c Config) Attention() compute.Heads {
	return compute.Heads{Q: c.Heads, KV: c.KVHeads, D: c.HeadDim}
}

// Validate returns the first value that no model can have. Names are the keys of config.json.
func (c Config) Validate() error {
	if _, ok := familyByType(c.ModelType); !ok {
		return fmt.Errorf("model_type: %q, want one of %s", c.ModelType, familyNames())
	}
	for _, s := range []struct {
		key     string
		v, most int
	}{
		{"hidden_size", c.Hidden, MaxHidden},
		{"intermediate_size", c.Inner, MaxInner},
		{"num_hidden_layers", c.Layers, MaxLayers},
		{"num_attention_heads", c.Heads, MaxHeads},
		{"num_key_value_heads", c.KVHeads, MaxHeads},
		{"head_dim", c.HeadDim, MaxHeadDim},
		{"vocab_size", c.Vocab, MaxVocab},
		{"max_position_embeddings", c.MaxPositions, MaxContext},
	} {
		if s.v < 1 || s.v > s.most {
			return fmt.Errorf("%s: %d, want 1 to %d", s.key, s.v, s.most)
		}
	}
	switch {
	case c.Hidden%c.Heads != 0: // transformers 5 refuses it too, although head_dim frees the arithmetic of it
		return fmt.Errorf("hidden_size: %d, want a multiple of num_attention_heads %d", c.Hidden, c.Heads)
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("num_key_value_heads: %d, want a divisor of num_attention_heads %d", c.KVHeads, c.Heads)
	case c.HeadDim%2 != 0:
		return fmt.Errorf("head_dim: %d, want an even number", c.HeadDim)
	case !(c.NormEps > 0 && c.NormEps < 1):
		return fmt.Errorf("rms_norm_eps: %g, want more than 0 and less than 1", c.NormEps)
	case !(c.RopeTheta >= 1) || math.IsInf(c.RopeTheta, 0):
		return fmt.Errorf("rope_theta: %g, want a finite number from 1", c.RopeTheta)
	case !(c.InitStd >= 0 && c.InitStd < 100):
		return fmt.Errorf("initializer_range: %g, want 0 to 100", c.InitStd)
	}
	for _, id := range c.EOS {
		if err := c.checkID("eos_token_id", id); err != nil {
			return err
		}
	}
	if c.BOS != NoToken {
		if err := c.checkID("bos_token_id", c.BOS); err != nil {
			return err
		}
	}
	if c.PAD != NoToken {
		return c.checkID("pad_token_id", c.PAD)
	}
	return nil
}

// NoToken is the id of a token that a model doesn't have.
const NoToken = int32(-1)

func (c Config) checkID(key string, id int32) error {
	if id < 0 || int(id) >= c.Vocab {
		return fmt.Errorf("%s: %d, want 0 to %d (vocab_size - 1)", key, id, c.Vocab-1)
	}
	return nil
}

func familyNames() string {
	names := ""
	for i, f := range families {
		if i > 0 {
			names += ", "
		}
		names += f.modelType
	}
	return names
}
