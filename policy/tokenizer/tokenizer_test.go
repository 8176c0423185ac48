package tokenizer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/burnish-rl/burnish/policy/tokenizer"
)

const builtin = "../builtin/tokenizer.json"

func TestVocabulary(t *testing.T) {
	tk := readTokenizer(t, builtin)
	end, ok := tk.ID("<|im_end|>")
	if !ok || end != 2 || !tk.IsSpecial(end) || tk.Token(end) != "<|im_end|>" || string(tk.Bytes(end)) != "<|im_end|>" {
		t.Errorf("<|im_end|>: id %d, %v, token %q, bytes %q, want 2", end, ok, tk.Token(end), tk.Bytes(end))
	}
	has, ok := tk.ID("Ġhas")
	if !ok || tk.IsSpecial(has) || string(tk.Bytes(has)) != " has" {
		t.Errorf("Ġhas: id %d, %v, bytes %q", has, ok, tk.Bytes(has))
	}
	if id, ok := tk.ID(" has"); ok {
		t.Errorf("%q has id %d, want none: it is not how the file writes it", " has", id)
	}
	for _, id := range []int32{-1, int32(tk.Size()), 1 << 30} {
		if tk.Token(id) != "" || tk.Bytes(id) != nil || tk.IsSpecial(id) || tk.Decode([]int32{id, has}, false) != " has" {
			t.Errorf("id %d is outside the vocabulary and gives something", id)
		}
	}
}

// Each offset is where the token's first character begins, and the parts between them are the tokens' texts.
func TestDecodeOffsets(t *testing.T) {
	tk := readTokenizer(t, builtin)
	ids := tk.Encode("Tom has é<|im_end|>12")
	text, offsets := tk.DecodeOffsets(ids, true)
	var parts []string
	for i, at := range offsets {
		end := int32(len(text))
		if i+1 < len(offsets) {
			end = offsets[i+1]
		}
		parts = append(parts, text[at:end])
	}
	// é is two tokens: both begin where é does, the second one ends it. The special token gives nothing.
	want := []string{"Tom", " has", " ", "", "é", "", "1", "2"}
	if text != "Tom has é12" || !slices.Equal(parts, want) {
		t.Errorf("text %q, parts %q, want %q", text, parts, want)
	}
}

// A stream holds back the beginning of a character only.
func TestStreamHoldsBack(t *testing.T) {
	tk := readTokenizer(t, builtin)
	stream := tk.NewStream(false)
	var got []string
	for _, id := range tk.Encode("a😀") {
		got = append(got, stream.Push(id))
	}
	if want := []string{"a", "", "", "", "😀"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	half := tk.Encode("é")[:1]
	if got := stream.Push(half[0]) + "|" + stream.Flush() + "|" + stream.Flush(); got != "|\ufffd|" {
		t.Errorf("half a character gives %q, want it as U+FFFD at the end, once", got)
	}
}

// Invalid UTF-8 is read as Python's errors="replace" reads it: U+FFFD for each maximal part.
func TestEncodeInvalidUTF8(t *testing.T) {
	tk := readTokenizer(t, builtin)
	for invalid, valid := range map[string]string{
		"a\xffb": "a\ufffdb", "\xe2\x82": "\ufffd", "\xe2\x82\xe2\x82\xac": "\ufffd€", "\xf0\x9f\x98x": "\ufffdx",
		"\xed\xa0\x80": "\ufffd\ufffd\ufffd", "\xc0\x80": "\ufffd\ufffd", "\xf4\x90\x80\x80": "\ufffd\ufffd\ufffd\ufffd",
	} {
		if got, want := tk.Encode(invalid), tk.Encode(valid); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v, those of %q", invalid, got, want, valid)
		}
	}
}

// A megabyte without a place to cut takes time in proportion, and gives the ids of its repeating parts.
func TestLongRuns(t *testing.T) {
	tk := readTokenizer(t, "testdata/small/llama3.json")
	for _, unit := range []string{"a", " ", "\n", "!", "'", "<", "é", "7", " \n", "the", "<|im_end"} {
		text := strings.Repeat(unit, 1<<20/len(unit))
		start := time.Now()
		ids := tk.Encode(text)
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("1 MiB of %q took %v", unit, took)
		}
		if got := tk.Decode(ids, false); got != text {
			t.Errorf("1 MiB of %q decodes to %d bytes, want %d", unit, len(got), len(text))
		}
	}
}

// The merge by heap, which long words take, does what the merge by search does.
func TestLongWordsMergeAlike(t *testing.T) {
	tk := readTokenizer(t, "testdata/small/gpt2.json")
	word := "reasoninganswerthesteps" // 23 bytes, by search
	long := strings.Repeat(word, 40)
	want := tk.Encode(word)
	got := tk.Encode(long)
	// The parts may merge where they touch; in this vocabulary they don't, which the decoded tokens show.
	if !slices.Equal(got, slices.Repeat(want, 40)) {
		t.Errorf("got %d ids, want 40 times %v", len(got), want)
	}
}

func TestConcurrentUse(t *testing.T) {
	var lines []string
	readGzip(t, "testdata/lines.json.gz", &lines)
	tk := readTokenizer(t, builtin)
	want := make([][]int32, len(lines))
	for i, l := range lines {
		want[i] = readTokenizer(t, builtin).Encode(l)
		if i == 200 {
			lines = lines[:200]
			break
		}
	}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range lines {
				i = (i*7 + worker*50) % len(lines)
				if got := tk.Encode(lines[i]); !slices.Equal(got, want[i]) {
					t.Errorf("line %d: got %v, want %v", i, got, want[i])
				}
			}
		})
	}
	wg.Wait()
}

func FuzzEncode(f *testing.F) {
	for _, s := range []string{"", "It's 12+7=19\r\n\t<|im_end|> x", "\u00a0 \u2028\xff\xe2\x82", "cafe\u0301 [strip] word's", strings.Repeat("ab", 50)} {
		f.Add(s)
	}
	names := []string{"gpt2", "gpt2-split", "llama3", "qwen2"}
	var all []*tokenizer.Tokenizer
	for _, n := range names {
		all = append(all, readTokenizer(f, "testdata/small/"+n+".json"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, tk := range all {
			ids := tk.Encode(text)
			if names[i] == "qwen2" || !utf8.ValidString(text) {
				continue // normalized, or replaced
			}
			if got := tk.Decode(ids, false); got != text {
				t.Errorf("%s: %q comes back as %q", names[i], text, got)
			}
		}
		if !slices.Equal(all[0].Encode(text), all[1].Encode(text)) {
			t.Errorf("%q: ByteLevel's own pattern and the same one in a Split differ", text)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	var lines []string
	readGzip(b, "testdata/lines.json.gz", &lines)
	tk := readTokenizer(b, builtin)
	for name, text := range map[string]string{
		"english": strings.Join(lines[1:16], "\n"),
		"mixed":   strings.Join(lines, "\n"),
		"a":       strings.Repeat("a", 1<<16),
	} {
		b.Run("text="+name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				tk.Encode(text)
			}
		})
	}
}

// change sets a value inside a tokenizer.json, by keys and indices.
func change(t testing.TB, data []byte, value any, path ...any) []byte {
	t.Helper()
	var root any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	at := root
	for i, key := range path {
		last := i == len(path)-1
		switch at := any(at).(type) {
		case map[string]any:
			if last {
				at[key.(string)] = value
			}
		case []any:
			if last {
				at[key.(int)] = value
			}
		default:
			t.Fatal(fmt.Sprint("no such path ", path))
		}
		if m, ok := at.(map[string]any); ok {
			at = m[key.(string)]
		} else {
			at = at.([]any)[key.(int)]
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(root); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
