package policy

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

// TestBothFormatsEqualTransformers: a Hugging Face folder and a GGUF file of one model give the same bits, which are
// transformers' numbers, and the same rendered prompt.
func TestBothFormatsEqualTransformers(t *testing.T) {
	g := readGolden(t)
	var first []float32
	for _, from := range []string{"testdata/tiny-hf", "testdata/tiny.gguf"} {
		m := open(t, from)
		got := logProbs(t, m, g.batch())
		want := slices.Concat(g.LogPs...)
		for i := range want {
			if math.Abs(float64(got[i])-want[i]) > 1e-5 {
				t.Errorf("%s: token %d: log-prob %v, want %v", from, i, got[i], want[i])
			}
		}
		if first != nil && !sameBits(got, first) {
			t.Errorf("%s: other bits than the other format's", from)
		}
		first = got
		text, ids, err := m.Render([]Message{{Role: "user", Content: "Hi <b>&"}}, true)
		if err != nil || text != g.Rendered || !slices.Equal(ids, g.RenderedIDs) {
			t.Errorf("%s: rendered %q %v %v, want %q %v", from, text, ids, err, g.Rendered, g.RenderedIDs)
		}
		if end, ok := m.EOS(); !ok || m.Tokenizer().Token(end) != "<|im_end|>" {
			t.Errorf("%s: a demonstration ends with %d, want <|im_end|>", from, end)
		}
		if m.From() != from || m.Context() != 64 || !m.HasTemplate() {
			t.Errorf("%s: from %s, context %d", from, m.From(), m.Context())
		}
	}
}

// TestEndTokens: the set has those of the tokenizer, the configuration and the generation configuration; a
// demonstration ends with the tokenizer's.
func TestEndTokens(t *testing.T) {
	for _, c := range []struct {
		name, generation, tokenizer string
		want                        []int32
		end                         int32
	}{
		{"all three", `{"eos_token_id": [1, 2]}`, `{"eos_token": "<|im_end|>"}`, []int32{2, 0, 1}, 2},
		{"one number", `{"eos_token_id": 7}`, `{"eos_token": {"content": "<|im_start|>"}}`, []int32{1, 0, 7}, 1},
		{"null", `{"eos_token_id": null}`, `{"eos_token": null}`, []int32{0}, 0},
		{"unknown token", `{}`, `{"eos_token": "</s>"}`, []int32{0}, 0},
		{"no files", ``, ``, []int32{0}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyDir(t, "testdata/tiny-hf")
			for name, text := range map[string]string{generationFile: c.generation, tokenizerConfig: c.tokenizer} {
				if text == "" {
					os.Remove(filepath.Join(dir, name))
				} else {
					write(t, dir, name, text)
				}
			}
			m := open(t, dir)
			if end, ok := m.EOS(); !slices.Equal(m.EndTokens(), c.want) || !ok || end != c.end {
				t.Errorf("end tokens %v, a demonstration ends with %d, want %v and %d", m.EndTokens(), end, c.want, c.end)
			}
		})
	}
	bare, err := OpenNew([]byte(strings.Replace(newConfig, `"eos_token_id": [2, 0]`, `"eos_token_id": null`, 1)), "testdata/tiny-hf/tokenizer.json", 1, cpu.New(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := bare.EOS(); !ok { // tokenizer_config.json lies beside the file and names one
		t.Error("the tokenizer's end token was not found")
	}
}

// TestBrokenFolders: each cause is in the error, with the file.
func TestBrokenFolders(t *testing.T) {
	good := func(name string) string {
		data, err := os.ReadFile(filepath.Join("testdata/tiny-hf", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	config := good(configFile)
	for _, c := range []struct{ name, file, text, want string }{
		{"no tokenizer", tokenizerFile, "", "no tokenizer.json"},
		{"no weights", weightsFile, "", "model.safetensors"},
		{"config is no JSON", configFile, config[:40], "config.json"},
		{"config without heads", configFile, strings.Replace(config, "num_attention_heads", "heads", 1), "num_attention_heads"},
		{"unknown family", configFile, strings.Replace(config, `"llama"`, `"mamba"`, 1), "mamba"},
		{"small embedding", configFile, strings.Replace(config, "423", "300", 1), "the tokenizer has 420 tokens, the model an embedding of 300"},
		{"other embedding", configFile, strings.Replace(config, "423", "424", 1), "model.embed_tokens.weight"},
		{"tokenizer is no JSON", tokenizerFile, "{", "tokenizer.json"},
		{"bad template", templateFile, "{% for m in %}", "tokenizer_config.json"},
		{"generation config is no JSON", generationFile, "{", "generation_config.json: it is not JSON"},
		{"end token out of range", generationFile, `{"eos_token_id": [1, 423]}`, "generation_config.json: eos_token_id: 423, want a number from 0 to 422"},
		{"end token past 32 bits", generationFile, `{"eos_token_id": 4294967297}`, "4294967297"},
		{"end token is text", generationFile, `{"eos_token_id": "2"}`, `"2", want a number`},
		{"weights cut short", weightsFile, good(weightsFile)[:30000], "model.safetensors"},
		{"NaN", weightsFile, good(weightsFile)[:44764] + "\x00\x00\xc0\x7f", "NaN, want finite numbers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyDir(t, "testdata/tiny-hf")
			if c.text == "" {
				os.Remove(filepath.Join(dir, c.file))
			} else {
				write(t, dir, c.file, c.text)
			}
			_, err := Open(dir, cpu.New(1))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v, want one with %q and the folder", err, c.want)
			}
			if err != nil && strings.Count(err.Error(), dir) > 1 {
				t.Errorf("the folder is named twice: %v", err)
			}
		})
	}
}

func TestNothingThere(t *testing.T) {
	empty := t.TempDir()
	write(t, empty, "other/"+"model.bin", "x")
	write(t, empty, "run/recipe.yaml", "x")
	write(t, empty, "run/checkpoints/.keep", "x")
	write(t, empty, "alone/adapter_config.json", `{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["q_proj"]}`)
	write(t, empty, "baseless/adapter_config.json", `{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["q_proj"], "base_model_name_or_path": "nowhere"}`)
	for _, c := range []struct {
		from, want string
		notFound   bool
	}{
		{"", "no such model", true},
		{empty, "neither config.json nor adapter_config.json", true},
		{filepath.Join(empty, "missing"), "no such model", true},
		{filepath.Join(empty, "other", "model.bin"), "a model file must be a .gguf", false},
		{filepath.Join(empty, "run"), "the run has no checkpoint yet", false},
		{filepath.Join(empty, "alone"), "base_model_name_or_path is missing", false},
		{filepath.Join(empty, "baseless"), "its base model: nowhere: no such model", true},
		{"builtin:huge", "the builtin model is builtin:tiny", true},
	} {
		_, err := Open(c.from, cpu.New(1))
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrNotFound) != c.notFound {
			t.Errorf("%q: error %v, want one with %q, not found %v", c.from, err, c.want, c.notFound)
		}
	}
}

func TestBrokenGGUF(t *testing.T) {
	data, err := os.ReadFile("testdata/tiny.gguf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"cut.gguf":     string(data[:20000]),
		"empty.gguf":   "",
		"pre.gguf":     strings.Replace(string(data), "gpt-2", "gpt-9", 1),
		"nohead.gguf":  strings.Replace(string(data), "attention.head_count\x04", "attention.head_xxxxx\x04", 1),
		"unknown.gguf": strings.Replace(string(data), "blk.1.ffn_up.weight", "blk.1.ffn_xx.weight", 1),
	} {
		write(t, dir, name, text)
		path := filepath.Join(dir, name)
		if _, err := Open(path, cpu.New(1)); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one that names the file", name, err)
		}
	}
}

func TestOpenNew(t *testing.T) {
	a, b := newModel(t, 1), newModel(t, 3)
	if !sameBits(logProbs(t, a, someBatch()), logProbs(t, b, someBatch())) {
		t.Error("one seed gave two models")
	}
	other, err := OpenNew([]byte(newConfig), "builtin:tiny", 8, cpu.New(1))
	if err != nil {
		t.Fatal(err)
	}
	if sameBits(logProbs(t, a, someBatch()), logProbs(t, other, someBatch())) {
		t.Error("two seeds gave one model")
	}
	for _, c := range []struct{ config, tok, want string }{
		{"{", "builtin:tiny", "config.json"},
		{newConfig, "builtin:other", "builtin:tiny"},
		{newConfig, t.TempDir(), "no tokenizer.json there"},
		{newConfig, "testdata/none.json", "no tokenizer.json there"},
		{strings.Replace(newConfig, "442", "100", 1), "builtin:tiny", "an embedding of 100"},
	} {
		if _, err := OpenNew([]byte(c.config), c.tok, 1, cpu.New(1)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("tokenizer %s: error %v, want one with %q", c.tok, err, c.want)
		}
	}
	if data, err := ReadConfig("testdata/tiny-hf"); err != nil || !strings.Contains(string(data), `"hidden_size": 16`) {
		t.Errorf("config of a folder: %s, %v", data, err)
	}
	if data, err := ReadConfig("testdata/tiny-hf/config.json"); err != nil || !strings.Contains(string(data), `"hidden_size": 16`) {
		t.Errorf("config of a file: %s, %v", data, err)
	}
}
