package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// GGUF is what a GGUF file's metadata says of its tokenizer: the keys tokenizer.ggml.*.
type GGUF struct {
	Model      string   // model, such as "gpt2"
	Pre        string   // pre, the name of the pre-tokenizer
	Tokens     []string // tokens
	TokenTypes []int32  // token_type: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
	Merges     []string // merges: "a b"
}

const (
	ggufControl     = 3
	ggufUserDefined = 4
)

// ggufPre is one of llama.cpp's pre-tokenizers, as a tokenizer.json says it.
type ggufPre struct {
	digits       bool   // single digits before the rest
	pattern      string // "": ByteLevel's own, GPT-2's
	nfc          bool
	ignoreMerges bool
}

// ggufPres are the names that were compared with their models' tokenizer.json.
// Source: llama.cpp, src/llama-vocab.cpp (names), and the Hugging Face files of the models (NFC, ignore_merges).
var ggufPres = map[string]ggufPre{
	"gpt-2":            {},
	"smollm":           {digits: true},
	"llama-bpe":        {pattern: patternLlama3, ignoreMerges: true},
	"llama3":           {pattern: patternLlama3, ignoreMerges: true},
	"llama-v3":         {pattern: patternLlama3, ignoreMerges: true},
	"qwen2":            {pattern: patternQwen2, nfc: true},
	"deepseek-r1-qwen": {pattern: patternQwen2, nfc: true},
}

// FromGGUF makes the tokenizer of a GGUF file.
func FromGGUF(g GGUF) (*Tokenizer, error) {
	if g.Model != "gpt2" {
		return nil, fmt.Errorf("tokenizer.ggml.model: found %q, want gpt2", g.Model)
	}
	pre, ok := ggufPres[g.Pre]
	if !ok {
		known := slices.Sorted(maps.Keys(ggufPres))
		return nil, fmt.Errorf("tokenizer.ggml.pre: found %q, want one of %s", g.Pre, strings.Join(known, ", "))
	}
	if len(g.TokenTypes) != len(g.Tokens) {
		return nil, fmt.Errorf("tokenizer.ggml.token_type: found %d, want one for each of %d tokens", len(g.TokenTypes), len(g.Tokens))
	}
	if len(g.Merges) == 0 {
		return nil, fmt.Errorf("tokenizer.ggml.merges: found none")
	}
	vocab := make(map[string]int32, len(g.Tokens))
	added := []addedToken{}
	for id, token := range g.Tokens {
		if !utf8.ValidString(token) {
			return nil, fmt.Errorf("tokenizer.ggml.tokens: %d is %q, want UTF-8", id, token)
		}
		if before, twice := vocab[token]; twice {
			return nil, fmt.Errorf("tokenizer.ggml.tokens: %d and %d are the same text %q", before, id, token)
		}
		vocab[token] = int32(id)
		if kind := g.TokenTypes[id]; kind == ggufControl || kind == ggufUserDefined {
			added = append(added, addedToken{ID: int32(id), Content: token, Special: kind == ggufControl})
		}
	}
	source, err := json.Marshal(g.file(pre, vocab, added))
	if err != nil {
		return nil, fmt.Errorf("tokenizer.ggml: %w", err)
	}
	t, err := fromJSON(source)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.ggml: %w", err)
	}
	t.source = source
	return t, nil
}

type object map[string]any

// file gives the tokenizer.json that says the same.
func (g GGUF) file(pre ggufPre, vocab map[string]int32, added []addedToken) object {
	byteLevel := func(regex bool) object {
		return object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex}
	}
	stages := []object{}
	if pre.digits {
		stages = append(stages, object{"type": "Digits", "individual_digits": true})
	}
	if pre.pattern != "" {
		stages = append(stages, object{
			"type": "Split", "pattern": object{"Regex": pre.pattern}, "behavior": "Isolated", "invert": false,
		})
	}
	stages = append(stages, byteLevel(pre.pattern == ""))
	var normalizer any
	if pre.nfc {
		normalizer = object{"type": "NFC"}
	}
	return object{
		"version": "1.0", "truncation": nil, "padding": nil, "post_processor": nil,
		"added_tokens":  added,
		"normalizer":    normalizer,
		"pre_tokenizer": object{"type": "Sequence", "pretokenizers": stages},
		"decoder":       byteLevel(true),
		"model": object{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": pre.ignoreMerges,
			"vocab": vocab, "merges": g.Merges,
		},
	}
}
