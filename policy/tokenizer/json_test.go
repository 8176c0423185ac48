package tokenizer_test

import (
	"os"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/policy/tokenizer"
)

func TestFromJSONErrors(t *testing.T) {
	data, err := os.ReadFile("testdata/small/qwen2.json")
	if err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	set := func(value any, path ...any) []byte { return change(t, data, value, path...) }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":         {nil, "byte 0: the JSON is cut short"},
		"truncated":     {data[:5000], "byte 5000: the JSON is cut short"},
		"broken":        {[]byte(`{"model": nope}`), "byte 12: "},
		"no model":      {[]byte(`{}`), "model: found none"},
		"type":          {set("Unigram", "model", "type"), `model: type: found "Unigram", want BPE`},
		"key":           {set(1, "model", "surprise"), `model: json: unknown field "surprise"`},
		"dropout":       {set(0.1, "model", "dropout"), "dropout: found 0.1"},
		"fallback":      {set(true, "model", "byte_fallback"), "byte_fallback"},
		"prefix":        {set("##", "model", "continuing_subword_prefix"), "continuing_subword_prefix"},
		"suffix":        {set("</w>", "model", "end_of_word_suffix"), "end_of_word_suffix"},
		"unknown":       {set("<unk>", "model", "unk_token"), `unk_token: "<unk>" is not in the vocabulary`},
		"no vocab":      {set(nil, "model", "vocab"), "vocab: found none"},
		"empty vocab":   {set(object{}, "model", "vocab"), "want"},
		"id type":       {set("x", "model", "vocab", "a"), "found string, want int32"},
		"negative id":   {set(-1, "model", "vocab", "a"), `token "a" has id -1`},
		"hole":          {set(100000, "model", "vocab", "a"), `token "a" has id 100000, want ids 0 to 507 without holes`},
		"twice":         {set(4, "model", "vocab", "a"), "have the same id 4"},
		"no merges":     {set(nil, "model", "merges"), "merges: found none"},
		"merge":         {set([]string{"a", "nope"}, "model", "merges", 3), `merge 3, "a" and "nope": "nope" is not in the vocabulary`},
		"merged":        {set([]string{"!", "z"}, "model", "merges", 3), `"!z" is not in the vocabulary`},
		"one part":      {set([]string{"a"}, "model", "merges", 3), "merge 3: found 1 tokens, want 2"},
		"merge type":    {set(5, "model", "merges", 3), "merges: byte"},
		"normalizer":    {set(object{"type": "Lowercase"}, "normalizer"), `normalizer: type: found "Lowercase", want none or NFC`},
		"no pre":        {set(nil, "pre_tokenizer"), "pre_tokenizer: found no ByteLevel"},
		"metaspace":     {set(object{"type": "Metaspace", "replacement": "_"}, "pre_tokenizer", "pretokenizers", 0), `type "Metaspace": json: unknown field "replacement"`},
		"whitespace":    {set(object{"type": "Whitespace"}, "pre_tokenizer", "pretokenizers", 0), `pre_tokenizer: type: found "Whitespace"`},
		"two levels":    {set(object{"type": "ByteLevel"}, "pre_tokenizer", "pretokenizers", 0), "ByteLevel before the end"},
		"pattern":       {set(object{"Regex": `\w+`}, "pre_tokenizer", "pretokenizers", 0, "pattern"), `split: pattern: found map["Regex":"\\w+"]`},
		"behavior":      {set("Removed", "pre_tokenizer", "pretokenizers", 0, "behavior"), `split: behavior "Removed"`},
		"no decoder":    {set(nil, "decoder"), "decoder: found []"},
		"decoder":       {set(object{"type": "WordPiece"}, "decoder"), `decoder: found ["WordPiece"], want ByteLevel`},
		"added id":      {set(9, "added_tokens", 0, "id"), `added token "<|endoftext|>" has id 9, want 0`},
		"added hole":    {set(600, "added_tokens", 3, "id"), "has id 600, want 500"},
		"added empty":   {set("", "added_tokens", 3, "content"), "added token 500 is empty"},
		"added twice":   {set("word", "added_tokens", 3, "content"), "same"},
		"added type":    {set("yes", "added_tokens", 3, "special"), "found string, want bool"},
		"normal. twice": {set("caf\u00e9", "added_tokens", 6, "content"), "same"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tokenizer.FromJSON(c.data)
			if err == nil || !strings.HasPrefix(err.Error(), "tokenizer.json: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// Sequences in sequences are read, to a depth.
func TestNestedSequences(t *testing.T) {
	data, err := os.ReadFile("testdata/small/gpt2.json")
	if err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	nested := func(depth int) []byte {
		pre := object{"type": "ByteLevel", "add_prefix_space": false}
		for range depth {
			pre = object{"type": "Sequence", "pretokenizers": []any{pre}}
		}
		return change(t, data, pre, "pre_tokenizer")
	}
	tk, err := tokenizer.FromJSON(nested(3))
	if err != nil {
		t.Fatal(err)
	}
	if got := tk.Decode(tk.Encode("it's"), false); got != "it's" {
		t.Errorf("got %q, want it's", got)
	}
	if _, err := tokenizer.FromJSON(nested(100)); err == nil || !strings.Contains(err.Error(), "deeper than 8") {
		t.Errorf("error %v, want one of the depth", err)
	}
}

func FuzzFromJSON(f *testing.F) {
	for _, s := range []string{
		`{"added_tokens":[{"id":2,"content":"<e>","special":true}],"normalizer":{"type":"NFC"},"pre_tokenizer":{"type":"ByteLevel"},"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"aa":1},"merges":["a a"]}}`,
		`{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel"}]},"decoder":{"type":"ByteLevel"},"model":{"vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]],"unk_token":"a","fuse_unk":true}}`,
		`{"model":{"vocab":{"a":1},"merges":[]}}`, `{"model"`, `[]`,
	} {
		f.Add([]byte(s), "aaab 12<e>")
	}
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		tk, err := tokenizer.FromJSON(data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "tokenizer.json: ") {
				t.Errorf("error %q doesn't name the file", err)
			}
			return
		}
		ids := tk.Encode(text)
		for _, id := range ids {
			if id < 0 || int(id) >= tk.Size() {
				t.Fatalf("id %d outside of %d tokens", id, tk.Size())
			}
		}
		whole, offsets := tk.DecodeOffsets(ids, true)
		if whole != tk.Decode(ids, true) || len(offsets) != len(ids) {
			t.Errorf("%d ids give %q, %d offsets", len(ids), whole, len(offsets))
		}
	})
}
