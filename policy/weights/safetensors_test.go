package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// safetensorsBytes is a file with this header and so many bytes of data.
func safetensorsBytes(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func TestSafetensorsBadInput(t *testing.T) {
	one := func(entry string) []byte { return safetensorsBytes(`{"x":`+entry+`}`, 8) }
	two := func(a, b string) []byte {
		entry := func(offsets string) string { return `{"dtype":"F32","shape":[1],"data_offsets":` + offsets + `}` }
		return safetensorsBytes(`{"a":`+entry(a)+`,"b":`+entry(b)+`}`, 8)
	}
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "header length ends at byte 8, the file has 0"},
		{"cut in the length", make([]byte, 7), "header length ends at byte 8, the file has 7"},
		{"header of terabytes", binary.LittleEndian.AppendUint64(nil, 1<<63), "header claims 9223372036854775808 bytes, want at most 100000000"},
		{"header past the end", binary.LittleEndian.AppendUint64(nil, 100), "header ends at byte 108, the file has 8"},
		{"no header", make([]byte, 8), "header: bad JSON"},
		{"bad JSON", safetensorsBytes(`{"x":}`, 0), "header: bad JSON at byte 6"},
		{"rest after the JSON", safetensorsBytes(`{} {}`, 0), "header: bad JSON at byte 4"},
		{"an array", safetensorsBytes(`[]`, 0), "header: found [, want an object"},
		{"invalid UTF-8", safetensorsBytes("{\"\xff\":1}", 0), "header: invalid UTF-8"},
		{"same name", safetensorsBytes(`{"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"x":1}`, 4), `header: "x" appears twice`},
		{"same key", one(`{"dtype":"F32","dtype":"F16"}`), `tensor "x": "dtype" appears twice`},
		{"no dtype", one(`{"shape":[2],"data_offsets":[0,8]}`), "want dtype, shape and data_offsets"},
		{"unknown key", one(`{"Dtype":"F32"}`), `unknown key "Dtype"`},
		{"null", one(`null`), `tensor "x": found <nil>, want an object`},
		{"dtype a number", one(`{"dtype":1}`), "dtype: found 1, want a string"},
		{"negative dimension", one(`{"dtype":"F32","shape":[-2]}`), "shape: found -2, want an integer >= 0"},
		{"fraction", one(`{"dtype":"F32","shape":[2.0]}`), "shape: found 2.0, want an integer >= 0"},
		{"beyond 64 bits", one(`{"dtype":"F32","shape":[18446744073709551616]}`), "found 18446744073709551616, want"},
		{"too many dimensions", one(`{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1]}`), "more than 8 integers"},
		{"overflowing shape", one(`{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]}`), "has more than 1099511627776 values"},
		{"one offset", one(`{"dtype":"F32","shape":[2],"data_offsets":[0]}`), "want two offsets"},
		{"backwards", one(`{"dtype":"F32","shape":[2],"data_offsets":[8,0]}`), "end before they begin"},
		{"wrong size", one(`{"dtype":"F16","shape":[2],"data_offsets":[0,8]}`), "data_offsets span 8 bytes, want 4 for F16 [2]"},
		{"metadata no strings", safetensorsBytes(`{"__metadata__":{"a":1}}`, 0), `__metadata__: "a": found 1, want a string`},
		{"overlap", two("[0,4]", "[0,4]"), `tensor "b" begins at offset 0, inside tensor "a", which ends at 4`},
		{"hole", safetensorsBytes(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), `tensor "x" begins at offset 4, want 0: a hole in the data`},
		{"as it should be", two("[4,8]", "[0,4]"), ""},
		{"data after the last", append(two("[0,4]", "[4,8]"), 0), "the last tensor ends at byte "},
		{"cut data", two("[4,8]", "[0,4]")[:len(two("[4,8]", "[0,4]"))-1], `tensor "a" ends at byte 123, the file has 122`},
		{"tensor of terabytes", safetensorsBytes(`{"x":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}`, 8), `tensor "x" ends at byte 4398046511190, the file has 94`},
		{"end of the number line", safetensorsBytes(`{"x":{"dtype":"F4","shape":[1],"data_offsets":[0,9223372036854775807]}}`, 8), "which no file reaches"},
	}
	for _, tt := range tests {
		s, err := ReadSafetensors(bytes.NewReader(tt.file), int64(len(tt.file)), "f")
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "f: ") || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: got %v %v, want %q", tt.name, s, err, tt.want)
		}
	}
}

func TestTensorErrors(t *testing.T) {
	file := safetensorsBytes(`{"i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"f":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]}}`, 16)
	binary.LittleEndian.PutUint32(file[len(file)-4:], 0xff800000)
	s, err := ReadSafetensors(bytes.NewReader(file), int64(len(file)), "m.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		tensor string
		shape  []int
		want   string
	}{
		{"x", nil, `m.safetensors: tensor "x" is missing`},
		{"i", nil, `m.safetensors: tensor "i": safetensors type I64 is not in this version`},
		{"f", []int{1, 2}, `m.safetensors: tensor "f": shape is [2 1], want [1 2]`},
		{"f", []int{2, 1}, `m.safetensors: tensor "f": value 1 as stored is -Inf, want finite numbers`},
	} {
		if _, err := s.Tensor(tt.tensor, tt.shape...); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

// TestCutWhileOpen: a file that becomes shorter after it was opened is a typed error.
func TestCutWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	var b bytes.Buffer
	const n = 5 * chunkBytes / 4
	if err := WriteSafetensors(&b, "F32", []NewTensor{constant("x", n, 1)}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Truncate(path, int64(b.Len()-10)); err != nil {
		t.Fatal(err)
	}
	var cut *TruncatedError
	if _, err := s.Tensor("x", n); !errors.As(err, &cut) {
		t.Fatalf("got %v, want a TruncatedError", err)
	}
	if cut.End != int64(b.Len()) || cut.Size != int64(b.Len()-10) || cut.What != `tensor "x"` || cut.File != path {
		t.Errorf("got %+v", cut)
	}
}
