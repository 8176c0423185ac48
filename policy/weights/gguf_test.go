package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// ggufDraft builds small GGUF files, right and wrong ones.
type ggufDraft struct {
	meta, infos   []byte
	keys, tensors uint64
	align         int
}

var le = binary.LittleEndian

func ggufString(b []byte, s string) []byte {
	return append(le.AppendUint64(b, uint64(len(s))), s...)
}

// draft is a llama with two heads and this further metadata: pairs of key and raw value, its kind first.
func draft(kv ...string) *ggufDraft {
	heads := string(le.AppendUint32(le.AppendUint32(nil, kindUint32), 2))
	arch := string(ggufString(le.AppendUint32(nil, kindString), "llama"))
	d := &ggufDraft{align: ggufAlignment}
	return d.set("general.architecture", arch).set("llama.attention.head_count", heads).setAll(kv)
}

func (d *ggufDraft) setAll(kv []string) *ggufDraft {
	for i := 0; i < len(kv); i += 2 {
		d.set(kv[i], kv[i+1])
	}
	return d
}

func (d *ggufDraft) set(key, raw string) *ggufDraft {
	d.meta = append(ggufString(d.meta, key), raw...)
	d.keys++
	return d
}

// tensor adds an entry; dims are in the file's order, fastest first.
func (d *ggufDraft) tensor(name string, kind uint32, offset uint64, dims ...uint64) *ggufDraft {
	d.infos = le.AppendUint32(ggufString(d.infos, name), uint32(len(dims)))
	for _, n := range dims {
		d.infos = le.AppendUint64(d.infos, n)
	}
	d.infos = le.AppendUint64(le.AppendUint32(d.infos, kind), offset)
	d.tensors++
	return d
}

func (d *ggufDraft) bytes(data int) []byte {
	b := le.AppendUint32([]byte(ggufMagic), 3)
	b = le.AppendUint64(le.AppendUint64(b, d.tensors), d.keys)
	b = append(append(b, d.meta...), d.infos...)
	for len(b)%d.align != 0 {
		b = append(b, 0)
	}
	return append(b, make([]byte, data)...)
}

func raw32(v ...uint32) string {
	var b []byte
	for _, x := range v {
		b = le.AppendUint32(b, x)
	}
	return string(b)
}

// rawArray is an array's kind, the kind of its elements and a count.
func rawArray(kind uint32, n uint64, rest string) string {
	return string(le.AppendUint64([]byte(raw32(kindArray, kind)), n)) + rest
}

func nestedArrays(depth int) string {
	s := strings.TrimPrefix(rawArray(kindUint8, 0, ""), raw32(kindArray))
	for range depth {
		s = strings.TrimPrefix(rawArray(kindArray, 1, s), raw32(kindArray))
	}
	return raw32(kindArray) + s
}

func TestGGUFBadInput(t *testing.T) {
	header := func(version uint32, tensors, keys uint64) []byte {
		return le.AppendUint64(le.AppendUint64(le.AppendUint32([]byte(ggufMagic), version), tensors), keys)
	}
	f32 := func(name string, offset uint64, dims ...uint64) *ggufDraft {
		return draft().tensor(name, 0, offset, dims...)
	}
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"right", f32("token_embd.weight", 0, 2, 3).bytes(24), ""},
		{"padding after the last", f32("token_embd.weight", 0, 2, 3).bytes(64), ""},
		{"empty", nil, "header ends at byte 4, the file has 0"},
		{"other file", []byte("PK\x03\x04"), `begins with "PK\x03\x04", want "GGUF"`},
		{"version 1", header(1, 0, 0), "GGUF version is 1, want 2 or 3"},
		{"big-endian", header(3<<24, 0, 0), "big-endian GGUF is not in this version"},
		{"tensor count", header(3, 1<<60, 0), "tensor count is 1152921504606846976, want at most 65536"},
		{"key count", header(3, 0, 1<<60), "metadata count is 1152921504606846976, want at most 65536"},
		{"cut in the keys", draft().bytes(0)[:40], `key 0 of 2 in the metadata ends at byte 52, the file has 40`},
		{"other architecture", (&ggufDraft{align: 32}).set("general.architecture", string(ggufString(le.AppendUint32(nil, kindString), "qwen2"))).bytes(0),
			`GGUF architecture "qwen2" is not in this version`},
		{"no architecture", (&ggufDraft{align: 32}).bytes(0), `metadata "general.architecture" is missing`},
		{"no heads", draft("llama.attention.head_count_kv", raw32(kindUint32, 0)).bytes(0), "0 key-value heads, want 1 to 65536"},
		{"same key", draft("k", raw32(kindUint32, 1), "k", raw32(kindUint32, 1)).bytes(0), `metadata "k": appears twice`},
		{"unknown kind", draft("k", raw32(13)).bytes(0), `metadata "k": unknown kind of value 13`},
		{"kind of an array", draft("k", rawArray(99, 1, "")).bytes(0), `metadata "k": unknown kind of value 99`},
		{"boolean", draft("k", raw32(kindBool)+"\x02").bytes(0), `metadata "k": boolean is 2`},
		{"huge string", draft("k", raw32(kindString)+string(le.AppendUint64(nil, 1<<60))).bytes(0), "string length is 1152921504606846976, want at most 67108864"},
		{"string past the end", draft("k", raw32(kindString)+string(le.AppendUint64(nil, 1<<20))).bytes(0), `metadata "k" ends at byte `},
		{"huge key", draft(strings.Repeat("k", maxGGUFNameBytes+1), raw32(kindUint32, 1)).bytes(0), "string length is 65537, want at most 65536"},
		{"UTF-8 in a value", draft("k", string(ggufString(le.AppendUint32(nil, kindString), "\xff"))).bytes(0), `metadata "k": invalid UTF-8`},
		{"UTF-8 in a key", draft("\xff", raw32(kindUint32, 1)).bytes(0), "invalid UTF-8"},
		{"huge array", draft("k", rawArray(kindUint64, 1<<60, "")).bytes(0), "array length is 1152921504606846976, want at most 268435456"},
		{"array past the end", draft("k", rawArray(kindString, 1<<20, "")).bytes(0), `metadata "k" ends at byte `},
		{"nested", draft("k", nestedArrays(3)).bytes(0), ""},
		{"nested too deep", draft("k", nestedArrays(4)).bytes(0), "arrays nested more than 4 deep"},
		{"alignment", draft("general.alignment", raw32(kindUint32, 48)).bytes(0), "general.alignment is 48 (uint32), want a power of two"},
		{"alignment's type", draft("general.alignment", raw32(kindInt32, 32)).bytes(0), "general.alignment is 32 (int32), want"},
		{"no dimensions", f32("x", 0).bytes(4), `tensor "x": 0 dimensions, want 1 to 8`},
		{"huge dimension", f32("x", 0, 1<<63).bytes(4), `tensor "x": dimension 9223372036854775808, want`},
		{"overflowing shape", f32("x", 0, 1<<32, 1<<32, 1<<32).bytes(4), "has more than 1099511627776 values"},
		{"tensor of terabytes", f32("x", 0, 1<<40).bytes(4), `tensor "x" ends at byte 4398046511264, the file has 164`},
		{"offset beyond all", f32("x", 1<<63, 1).bytes(4), "offset 9223372036854775808, which no file reaches"},
		{"cut", f32("x", 0, 2, 3).bytes(23), `tensor "x" ends at byte 184, the file has 183`},
		{"unknown type", draft().tensor("x", 5, 0, 32).bytes(64), `tensor "x": unknown GGUF type 5`},
		{"uneven rows", draft().tensor("x", 3, 0, 33).bytes(64), `rows have 33 values, want a multiple of 32 for Q4_1`},
		{"same name", f32("x", 0, 8).tensor("x", 0, 32, 8).bytes(64), `tensor "x" appears twice`},
		{"same name after renaming", f32("output.weight", 0, 8).tensor("lm_head.weight", 0, 32, 8).bytes(64), `tensor "lm_head.weight" appears twice`},
		{"overlap", f32("x", 0, 16).tensor("y", 0, 32, 8).bytes(64), `tensor "y" begins at offset 32, inside tensor "x", which ends at 64`},
		{"hole", f32("x", 0, 8).tensor("y", 0, 64, 8).bytes(96), `tensor "y" begins at offset 64, want 32`},
		{"unaligned", f32("x", 0, 7).tensor("y", 0, 28, 8).bytes(96), `tensor "y" begins at offset 28, want 32`},
		{"uneven heads", f32("blk.0.attn_q.weight", 0, 8, 6).bytes(192), `6 rows for 2 heads, want an even number a head`},
	}
	for _, tt := range tests {
		g, err := ReadGGUF(bytes.NewReader(tt.file), int64(len(tt.file)), "f")
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "f: ") || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: got %v %v, want %q", tt.name, g, err, tt.want)
		}
	}
}

// TestGGUFCutAnywhere: whatever the length a file is cut to, it is a typed error, from Open.
func TestGGUFCutAnywhere(t *testing.T) {
	whole := draft("k", rawArray(kindString, 1, string(ggufString(nil, "text")))).tensor("token_embd.weight", 0, 0, 4).bytes(16)
	for n := range whole {
		var cut *TruncatedError
		if _, err := ReadGGUF(bytes.NewReader(whole[:n]), int64(n), "f"); !errors.As(err, &cut) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

// TestGGUFOtherTypes: a file with types we don't read opens, and says so by name when asked.
func TestGGUFOtherTypes(t *testing.T) {
	file := draft().tensor("blk.0.ffn_up.weight", 12, 0, 256, 2).bytes(2 * 144)
	g, err := ReadGGUF(bytes.NewReader(file), int64(len(file)), "m.gguf")
	if err != nil {
		t.Fatal(err)
	}
	const name = "model.layers.0.mlp.up_proj.weight"
	if shape, dtype, ok := g.Info(name); !ok || dtype != "Q4_K" || len(shape) != 2 || shape[0] != 2 || shape[1] != 256 {
		t.Errorf("%v %s %v, want [2 256] Q4_K", shape, dtype, ok)
	}
	want := `m.gguf: tensor "` + name + `": GGUF type Q4_K is not in this version`
	if _, err := g.Tensor(name); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestHFName(t *testing.T) {
	for gguf, want := range map[string]string{
		"token_embd.weight":        "model.embed_tokens.weight",
		"blk.12.attn_norm.weight":  "model.layers.12.input_layernorm.weight",
		"blk.0.attn_k.bias":        "model.layers.0.self_attn.k_proj.bias",
		"blk.0.ffn_norm.weight":    "model.layers.0.post_attention_layernorm.weight",
		"blk.01.attn_k.weight":     "blk.01.attn_k.weight",
		"blk.0.attn_k_norm.weight": "blk.0.attn_k_norm.weight",
		"blk.0.attn_k.scale":       "blk.0.attn_k.scale",
		"rope_freqs.weight":        "rope_freqs.weight",
	} {
		if got := HFName(gguf); got != want {
			t.Errorf("%s: %s, want %s", gguf, got, want)
		}
	}
}
