package tokenizer_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/policy/tokenizer"
)

// golden is what the tokenizers library gives for the lines of lines.json.gz; see testdata/make_golden.py.
type golden struct {
	Size    int
	IDs     [][]int32
	Texts   []*[2]string // decoded ids, special tokens kept and left out; nil: both are the line
	Decodes []decoded
}

type decoded struct {
	ids        []int32
	all, plain string
}

func (d *decoded) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&d.ids, &d.all, &d.plain})
}

func readGzip(t testing.TB, path string, v any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(v); err != nil {
		t.Fatal(err)
	}
}

func readTokenizer(t testing.TB, path string) *tokenizer.Tokenizer {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tk, err := tokenizer.FromJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

func TestGolden(t *testing.T) {
	var all map[string]golden
	readGzip(t, "testdata/golden.json.gz", &all)
	if len(all) < 9 {
		t.Fatalf("golden.json.gz has %d tokenizers, want 9", len(all))
	}
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "small", name+".json")
			if name == "builtin" {
				path = "../builtin/tokenizer.json"
			}
			compare(t, readTokenizer(t, path), want)
		})
	}
}

func compare(t *testing.T, tk *tokenizer.Tokenizer, want golden) {
	t.Helper()
	var lines []string
	readGzip(t, "testdata/lines.json.gz", &lines)
	if tk.Size() != want.Size || len(lines) < 1000 || len(lines) != len(want.IDs) {
		t.Fatalf("size %d, want %d; %d lines with ids for %d", tk.Size(), want.Size, len(lines), len(want.IDs))
	}
	for i, line := range lines {
		if got := tk.Encode(line); !slices.Equal(got, want.IDs[i]) {
			t.Errorf("line %d, %.200q:\n got %v\nwant %v", i, line, got, want.IDs[i])
		}
		all, plain := line, line
		if w := want.Texts[i]; w != nil {
			all, plain = w[0], w[1]
		}
		checkDecode(t, tk, decoded{want.IDs[i], all, plain})
	}
	for _, d := range want.Decodes {
		checkDecode(t, tk, d)
	}
}

// checkDecode checks every way to decode.
func checkDecode(t *testing.T, tk *tokenizer.Tokenizer, d decoded) {
	t.Helper()
	for _, skip := range []bool{false, true} {
		want := d.all
		if skip {
			want = d.plain
		}
		if got := tk.Decode(d.ids, skip); got != want {
			t.Errorf("decode %v, skip %v:\n got %q\nwant %q", d.ids, skip, got, want)
		}
		text, offsets := tk.DecodeOffsets(d.ids, skip)
		if text != want || len(offsets) != len(d.ids) {
			t.Errorf("decode %v with %d offsets, skip %v:\n got %q\nwant %q", d.ids, len(offsets), skip, text, want)
		}
		stream := tk.NewStream(skip)
		got := ""
		for _, id := range d.ids {
			got += stream.Push(id)
		}
		if got += stream.Flush(); got != want {
			t.Errorf("stream %v, skip %v:\n got %q\nwant %q", d.ids, skip, got, want)
		}
	}
}

// A file's own bytes are kept, and the tokenizer read from them again gives the same ids.
func TestJSONIsVerbatim(t *testing.T) {
	data, err := os.ReadFile("../builtin/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	tk, err := tokenizer.FromJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	if string(tk.JSON()) != string(data) {
		t.Error("JSON differs from the bytes that were read")
	}
}
