package weights

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// folder writes files into a fresh folder; a value that names tensors ("a b") becomes a safetensors file of them.
func folder(t *testing.T, index string, shards map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if index != "" {
		write(indexName, []byte(index))
	}
	for shard, names := range shards {
		var tensors []NewTensor
		for i, name := range strings.Fields(names) {
			tensors = append(tensors, constant(name, i+1, float32(i+1)))
		}
		var b bytes.Buffer
		if err := WriteSafetensors(&b, "F32", tensors); err != nil {
			t.Fatal(err)
		}
		write(shard, b.Bytes())
	}
	return dir
}

func TestOpenFolder(t *testing.T) {
	index := `{"metadata":{"total_size":24},"weight_map":{"c":"2.safetensors","a":"1.safetensors","b":"1.safetensors"}}`
	dirs := map[string]string{
		"single": folder(t, "", map[string]string{singleName: "a b c"}),
		"shards": folder(t, index, map[string]string{"1.safetensors": "a b", "2.safetensors": "c"}),
		"both":   folder(t, index, map[string]string{singleName: "a b c"}), // transformers takes the single file
	}
	for name, dir := range dirs {
		s, err := OpenFolder(dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := s.Names(); !slices.Equal(got, []string{"a", "b", "c"}) || s.Metadata()["format"] != "pt" {
			t.Errorf("%s: names %q, metadata %v", name, got, s.Metadata())
		}
		if v, err := s.Tensor("b", 2); err != nil || !slices.Equal(v, []float32{2, 2}) {
			t.Errorf("%s: b is %v, %v", name, v, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Tensor("b", 2); err == nil {
			t.Errorf("%s: read after Close", name)
		}
	}
}

func TestOpenFolderBadInput(t *testing.T) {
	shards := map[string]string{"1.safetensors": "a b", "2.safetensors": "c"}
	weightMap := func(s string) string { return `{"weight_map":{` + s + `}}` }
	tests := []struct {
		name, index string
		shards      map[string]string
		want        string
	}{
		{"nothing", "", nil, "has neither model.safetensors nor model.safetensors.index.json"},
		{"bad JSON", `{"weight_map":`, shards, "index.json: bad JSON"},
		{"no map", `{}`, shards, "index.json: weight_map is missing"},
		{"a path", weightMap(`"a":"../1.safetensors"`), shards, `weight_map: "a": found "../1.safetensors", want the name of a file in the same folder`},
		{"dot dot", weightMap(`"a":".."`), shards, "want the name of a file in the same folder"},
		{"missing shard", weightMap(`"a":"3.safetensors"`), shards, "3.safetensors: no such file"},
		{"twice in the map", weightMap(`"a":"1.safetensors","a":"1.safetensors"`), shards, `"a" appears twice`},
		{"in no shard", weightMap(`"a":"1.safetensors","b":"1.safetensors","x":"1.safetensors"`), shards, `tensor "x" is not in 1.safetensors`},
		{"in the other shard", weightMap(`"a":"1.safetensors","b":"2.safetensors"`), shards, `1.safetensors: tensor "b" is here, model.safetensors.index.json says "2.safetensors"`},
		{"not in the map", weightMap(`"a":"1.safetensors"`), shards, `tensor "b" is here, model.safetensors.index.json says ""`},
	}
	for _, tt := range tests {
		if _, err := OpenFolder(folder(t, tt.index, tt.shards)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := OpenFolder(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent folder: %v", err)
	}
	if _, err := OpenSafetensors(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("a folder for a file: %v", err)
	}
}
