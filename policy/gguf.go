package policy

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/chat"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/tokenizer"
	"github.com/burnish-rl/burnish/policy/weights"
)

// openGGUF takes everything from one GGUF file, and makes the side files of an HF folder from it.
func openGGUF(path string, b compute.Backend) (*Model, error) {
	g, err := weights.OpenGGUF(path)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	_, _, untied := g.Info("lm_head.weight")
	cfg, err := decoder.ConfigFromGGUF(g.Meta, !untied)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	tok, err := tokenizer.FromGGUF(ggufTokenizer(g))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	token := func(key string) string { return ggufToken(g, tok, key) }
	template, _ := metaAs[string](g, "tokenizer.chat_template")
	conf := chat.Config{
		BOS: token("bos_token_id"), EOS: token("eos_token_id"), PAD: token("padding_token_id"), UNK: token("unknown_token_id"),
		Template: template, ContextLength: cfg.MaxPositions,
	}
	tmpl, err := conf.New()
	if err != nil && !errors.Is(err, chat.ErrNoTemplate) {
		return nil, fmt.Errorf("%s: tokenizer.chat_template: %w", path, err)
	}
	generation, err := generationConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	side := files{configFile: cfg.JSON(), tokenizerFile: tok.JSON(), tokenizerConfig: conf.JSON(), generationFile: generation}
	return build(path, side, cfg, tok, tmpl, g, b)
}

func ggufTokenizer(g *weights.GGUF) tokenizer.GGUF {
	const p = "tokenizer.ggml."
	var t tokenizer.GGUF
	t.Model, _ = metaAs[string](g, p+"model")
	t.Pre, _ = metaAs[string](g, p+"pre")
	t.Tokens, _ = metaAs[[]string](g, p+"tokens")
	t.TokenTypes, _ = metaAs[[]int32](g, p+"token_type")
	t.Merges, _ = metaAs[[]string](g, p+"merges")
	return t
}

// ggufToken is the text of the token that a key names, "" without one.
func ggufToken(g *weights.GGUF, tok *tokenizer.Tokenizer, key string) string {
	id, err := g.MetaInt("tokenizer.ggml." + key)
	if err != nil {
		return ""
	}
	return tok.Token(int32(id))
}

func metaAs[T any](g *weights.GGUF, key string) (v T, ok bool) {
	if value, found := g.Meta(key); found {
		v, ok = value.(T)
	}
	return v, ok
}

// generationConfig is what transformers' generate reads: the tokens that begin, pad and end.
func generationConfig(c decoder.Config) ([]byte, error) {
	g := map[string]any{}
	if c.BOS >= 0 {
		g["bos_token_id"] = c.BOS
	}
	if c.PAD >= 0 {
		g["pad_token_id"] = c.PAD
	}
	if len(c.EOS) > 0 {
		g["eos_token_id"] = c.EOS
	}
	data, err := json.MarshalIndent(g, "", "  ")
	return append(data, '\n'), err
}
