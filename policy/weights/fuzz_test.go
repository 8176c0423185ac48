package weights

import (
	"bytes"
	"os"
	"slices"
	"testing"
)

// readAll asks for every tensor; what was accepted must keep its promises.
func readAll(t *testing.T, w Tensors) {
	for _, name := range w.Names() {
		shape, dtype, ok := w.Info(name)
		if !ok {
			t.Fatalf("%q is listed and unknown", name)
		}
		n, err := elements(shape)
		if err != nil {
			t.Fatal(err)
		}
		v, err := w.Tensor(name, shape...)
		if err == nil && (len(v) != n || firstNonFinite(v) >= 0) {
			t.Fatalf("%q (%s, %v): %d values, the first that is not finite at %d", name, dtype, shape, len(v), firstNonFinite(v))
		}
	}
}

func FuzzSafetensors(f *testing.F) {
	for _, name := range []string{"f32", "f16", "bf16"} {
		raw, err := os.ReadFile("testdata/" + name + ".safetensors")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := ReadSafetensors(bytes.NewReader(raw), int64(len(raw)), "f")
		if err != nil {
			return
		}
		readAll(t, s)
		rewrite(t, s)
	})
}

// rewrite writes the finite F32 tensors and reads them back.
func rewrite(t *testing.T, s *Safetensors) {
	var (
		tensors []NewTensor
		want    [][]float32
	)
	for _, name := range s.Names() {
		shape, dtype, _ := s.Info(name)
		v, err := s.Tensor(name)
		if err != nil || dtype != "F32" {
			continue
		}
		tensors = append(tensors, NewTensor{name, shape, func() []float32 { return v }})
		want = append(want, v)
	}
	var b bytes.Buffer
	if err := WriteSafetensors(&b, "F32", tensors); err != nil {
		t.Fatal(err)
	}
	back, err := ReadSafetensors(bytes.NewReader(b.Bytes()), int64(b.Len()), "rewritten")
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range tensors {
		if v, err := back.Tensor(x.Name, x.Shape...); err != nil || !slices.Equal(v, want[i]) {
			t.Fatalf("%q came back as %v, %v, want %v", x.Name, v, err, want[i])
		}
	}
}

func FuzzGGUF(f *testing.F) {
	f.Add(draft("k", rawArray(kindString, 1, string(ggufString(nil, "text"))), "n", nestedArrays(2)).
		tensor("blk.0.attn_q.weight", 3, 0, 32, 4).tensor("output.weight", 0, 96, 2, 2).bytes(112))
	f.Add(draft("general.alignment", raw32(kindUint32, 8), "b", raw32(kindBool)+"\x01").
		tensor("blk.0.attn_k.bias", 1, 0, 4).tensor("y", 8, 8, 32).tensor("z", 12, 48, 256).bytes(192))
	f.Add(draft().tensor("a", 2, 0, 32, 2).bytes(36))
	f.Fuzz(func(t *testing.T, raw []byte) {
		g, err := ReadGGUF(bytes.NewReader(raw), int64(len(raw)), "f")
		if err != nil {
			return
		}
		for _, key := range g.MetaKeys() {
			if v, ok := g.Meta(key); !ok || v == nil {
				t.Fatalf("metadata %q is listed and unknown", key)
			}
			_, _ = g.MetaInt(key)
		}
		readAll(t, g)
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":24},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		shardOf, err := parseIndex(raw)
		if err != nil {
			return
		}
		for tensor, shard := range shardOf {
			if shard == "" || shard == "." || shard == ".." || bytes.ContainsAny([]byte(shard), "/\x00") {
				t.Fatalf("%q may lie in %q", tensor, shard)
			}
		}
	})
}
