package weights

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// The golden files are written by testdata/make_golden.py and testdata/hash_gguf.py.

// checkHashes compares every tensor of g with lines of "sha256 name shape".
func checkHashes(t *testing.T, g Tensors, golden string) (tensors, values int) {
	t.Helper()
	raw, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if got := len(g.Names()); got != len(lines) {
		t.Errorf("%d tensors, want %d", got, len(lines))
	}
	for _, line := range lines {
		part := strings.Fields(line)
		shape, _, ok := g.Info(part[1])
		if got := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", "x"), "[]"); !ok || got != part[2] {
			t.Errorf("%s: shape %s, want %s", part[1], got, part[2])
			continue
		}
		v, err := g.Tensor(part[1], shape...)
		if err != nil {
			t.Error(err)
			continue
		}
		b := make([]byte, 4*len(v))
		encodeF32(b, v)
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != part[0] {
			t.Errorf("%s: values differ from gguf-py's", part[1])
		}
		values += len(v)
	}
	return len(lines), values
}

func TestGGUFGolden(t *testing.T) {
	raw, err := os.ReadFile("testdata/llama.gguf")
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []byte{2, 3} { // the two lay out what we read alike
		raw[4] = version
		g, err := ReadGGUF(bytes.NewReader(raw), int64(len(raw)), "llama.gguf")
		if err != nil {
			t.Fatal(err)
		}
		checkHashes(t, g, "testdata/llama.sha256")
	}
}

func TestGGUFMeta(t *testing.T) {
	g, err := OpenGGUF("testdata/llama.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want := map[string]any{
		"general.architecture": "llama", "general.alignment": uint32(64), "llama.rope.freq_base": float32(1e5),
		"x.uint8": uint8(255), "x.int8": int8(-128), "x.uint16": uint16(65535), "x.int16": int16(-32768),
		"x.int32": int32(math.MinInt32), "x.uint64": uint64(math.MaxUint64), "x.int64": int64(math.MinInt64),
		"x.float64": 0.1, "x.bool": true, "x.string": "Ġ naïve\n",
		"x.strings": []string{"Ġt", "", "世界"}, "x.ints": []int32{3, 1, -1}, "x.floats": []float32{0.5, -2},
		"x.bools": []bool{true, false}, "x.nested": []any{[]int32{1, 2}, []int32{3}},
	}
	for key, w := range want {
		if got, _ := g.Meta(key); !reflect.DeepEqual(got, w) {
			t.Errorf("%s: %#v, want %#v", key, got, w)
		}
	}
	if _, ok := g.Meta("x.absent"); ok {
		t.Error("x.absent is there")
	}
	if keys := g.MetaKeys(); keys[0] != "general.architecture" || len(keys) < len(want) {
		t.Errorf("keys %q", keys)
	}
	if n, err := g.MetaInt("x.int8"); n != -128 || err != nil {
		t.Errorf("x.int8: %d, %v", n, err)
	}
	for _, key := range []string{"x.uint64", "x.string", "x.absent"} {
		if n, err := g.MetaInt(key); err == nil {
			t.Errorf("%s: %d, want an error", key, n)
		}
	}
}

func TestSafetensorsGolden(t *testing.T) {
	raw, err := os.ReadFile("testdata/safetensors.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]map[string]struct {
		Shape       []int
		Dtype, Bits string
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden) != 3 {
		t.Fatalf("%d golden files, want 3", len(golden))
	}
	for name, tensors := range golden {
		s, err := OpenSafetensors(filepath.Join("testdata", name+".safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Names()) != len(tensors) || s.Metadata()["format"] != "pt" {
			t.Errorf("%s: tensors %q, metadata %v", name, s.Names(), s.Metadata())
		}
		for tensor, want := range tensors {
			if _, dtype, _ := s.Info(tensor); dtype != want.Dtype {
				t.Errorf("%s: %s is %s, want %s", name, tensor, dtype, want.Dtype)
			}
			v, err := s.Tensor(tensor, want.Shape...)
			if err != nil {
				t.Error(err)
			}
			b := make([]byte, 4*len(v))
			encodeF32(b, v)
			if hex.EncodeToString(b) != want.Bits {
				t.Errorf("%s: %s: %x, want %s", name, tensor, b, want.Bits)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSmolLM2 compares the whole of a real model with gguf-py.
func TestSmolLM2(t *testing.T) {
	path := os.Getenv("BURNISH_SMOLLM2_GGUF")
	if path == "" {
		t.Skip("set BURNISH_SMOLLM2_GGUF to the path of SmolLM2-135M-Instruct.Q4_1.gguf to run this test")
	}
	g, err := OpenGGUF(path)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	tensors, values := checkHashes(t, g, "testdata/smollm2.sha256")
	t.Logf("%d tensors, %d values", tensors, values)
	if tokens, _ := g.Meta("tokenizer.ggml.tokens"); len(tokens.([]string)) != 49152 {
		t.Errorf("%d tokens, want 49152", len(tokens.([]string)))
	}
}
