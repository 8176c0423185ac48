package tokenizer_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/policy/tokenizer"
)

// The tokenizer of a real GGUF file gives the library's ids, and so does the tokenizer.json made from it.
func TestSmolLM2(t *testing.T) {
	path := os.Getenv("BURNISH_SMOLLM2_GGUF")
	if path == "" {
		t.Skip("set BURNISH_SMOLLM2_GGUF to SmolLM2-135M-Instruct's GGUF file to compare with its golden ids")
	}
	var want golden
	readGzip(t, "testdata/smollm2.json.gz", &want)
	tk, err := tokenizer.FromGGUF(readGGUF(t, path))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, tk, want)
	again, err := tokenizer.FromJSON(tk.JSON())
	if err != nil {
		t.Fatal(err)
	}
	compare(t, again, want)
}

// A GGUF file's lists and the tokenizer.json that they were made of give the same ids, for every pre-tokenizer that a
// small tokenizer exists for.
func TestFromGGUF(t *testing.T) {
	var all map[string]golden
	readGzip(t, "testdata/golden.json.gz", &all)
	for pre, name := range map[string]string{"gpt-2": "gpt2", "smollm": "builtin", "llama-bpe": "llama3"} {
		path := "testdata/small/" + name + ".json"
		if name == "builtin" {
			path = "../builtin/tokenizer.json"
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tk, err := tokenizer.FromGGUF(ggufOf(t, data, pre))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, tk, all[name])
	}
}

// ggufOf gives the lists that a converter writes for a tokenizer.json.
func ggufOf(t testing.TB, data []byte, pre string) tokenizer.GGUF {
	t.Helper()
	var f struct {
		Added []struct{ ID int } `json:"added_tokens"`
		Model struct {
			Vocab  map[string]int
			Merges [][2]string
		}
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	g := tokenizer.GGUF{Model: "gpt2", Pre: pre}
	g.Tokens = make([]string, len(f.Model.Vocab))
	g.TokenTypes = slices.Repeat([]int32{1}, len(f.Model.Vocab))
	for token, id := range f.Model.Vocab {
		g.Tokens[id] = token
	}
	for _, a := range f.Added {
		g.TokenTypes[a.ID] = 3
	}
	for _, m := range f.Model.Merges {
		g.Merges = append(g.Merges, m[0]+" "+m[1])
	}
	return g
}

func TestFromGGUFErrors(t *testing.T) {
	data, err := os.ReadFile("../builtin/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*tokenizer.GGUF)
		want   string
	}{
		"model":     {func(g *tokenizer.GGUF) { g.Model = "llama" }, `found "llama", want gpt2`},
		"pre":       {func(g *tokenizer.GGUF) { g.Pre = "tekken" }, `found "tekken", want one of deepseek-r1-qwen, gpt-2, llama-bpe`},
		"types":     {func(g *tokenizer.GGUF) { g.TokenTypes = g.TokenTypes[1:] }, "token_type: found 441, want one for each of 442"},
		"no merges": {func(g *tokenizer.GGUF) { g.Merges = nil }, "merges: found none"},
		"merge":     {func(g *tokenizer.GGUF) { g.Merges[3] = "Ġq zz" }, `merge 3, "Ġq" and "zz": "Ġq" is not in the vocabulary`},
		"one part":  {func(g *tokenizer.GGUF) { g.Merges[3] = "q" }, `merge 3: found "q", want two tokens`},
		"twice":     {func(g *tokenizer.GGUF) { g.Tokens[9] = g.Tokens[8] }, "8 and 9 are the same text"},
		"bytes":     {func(g *tokenizer.GGUF) { g.Tokens[9] = "\xff" }, `9 is "\xff", want UTF-8`},
	} {
		t.Run(name, func(t *testing.T) {
			g := ggufOf(t, data, "smollm")
			c.change(&g)
			if _, err := tokenizer.FromGGUF(g); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// readGGUF reads the tokenizer's keys of a GGUF file of version 2 or 3.
func readGGUF(t *testing.T, path string) tokenizer.GGUF {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(data)
	var head struct {
		Magic, Version uint32
		Tensors, Keys  uint64
	}
	read := func(v any) {
		if err := binary.Read(r, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	number := func(size int) (v uint64) {
		b := make([]byte, 8)
		if _, err := io.ReadFull(r, b[:size]); err != nil {
			t.Fatal(err)
		}
		return binary.LittleEndian.Uint64(b)
	}
	text := func() string {
		b := make([]byte, number(8))
		if _, err := io.ReadFull(r, b); err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	sizes := map[uint64]int{0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
	var value func(kind uint64) any
	value = func(kind uint64) any {
		switch kind {
		case 8:
			return text()
		case 9:
			kind, n := number(4), number(8)
			list := make([]any, n)
			for i := range list {
				list[i] = value(kind)
			}
			return list
		}
		return number(sizes[kind])
	}
	read(&head)
	kv := map[string]any{}
	for range head.Keys {
		key := text()
		kv[key] = value(number(4))
	}
	words := func(key string) (out []string) {
		for _, v := range kv["tokenizer.ggml."+key].([]any) {
			out = append(out, v.(string))
		}
		return out
	}
	g := tokenizer.GGUF{Tokens: words("tokens"), Merges: words("merges")}
	g.Model, g.Pre = fmt.Sprint(kv["tokenizer.ggml.model"]), fmt.Sprint(kv["tokenizer.ggml.pre"])
	for _, v := range kv["tokenizer.ggml.token_type"].([]any) {
		g.TokenTypes = append(g.TokenTypes, int32(v.(uint64)))
	}
	return g
}
