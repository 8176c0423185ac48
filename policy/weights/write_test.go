package weights

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWriteAsThePeer: the tensors of the safetensors package's files, written again, give the same bytes.
func TestWriteAsThePeer(t *testing.T) {
	for _, dtype := range []string{"F32", "F16", "BF16"} {
		path := filepath.Join("testdata", strings.ToLower(dtype)+".safetensors")
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := OpenSafetensors(path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var tensors []NewTensor
		for _, name := range s.Names() {
			shape, _, _ := s.Info(name)
			tensors = append(tensors, NewTensor{name, shape, func() []float32 {
				v, err := s.Tensor(name)
				if err != nil {
					t.Error(err)
				}
				return v
			}})
		}
		var b bytes.Buffer
		if err := WriteSafetensors(&b, dtype, tensors); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s: got\n%q, want\n%q", dtype, b.Bytes(), want)
		}
	}
}

// constant is a tensor of n equal values.
func constant(name string, n int, v float32) NewTensor {
	return NewTensor{name, []int{n}, func() []float32 {
		data := make([]float32, n)
		for i := range data {
			data[i] = v
		}
		return data
	}}
}

// TestWriteInChunks: a tensor of several chunks and an uneven rest comes back whole, and a NaN is written as one.
func TestWriteInChunks(t *testing.T) {
	const n = 3*chunkBytes/4 + 5
	ramp := make([]float32, n)
	for i := range ramp {
		ramp[i] = float32(i) / 4
	}
	nan := constant("nan", 2, float32(math.NaN()))
	for _, dtype := range []string{"F32", "F16", "BF16"} {
		var b bytes.Buffer
		tensors := []NewTensor{{"ramp", []int{n}, func() []float32 { return ramp }}, nan}
		if err := WriteSafetensors(&b, dtype, tensors); err != nil {
			t.Fatal(err)
		}
		s, err := ReadSafetensors(bytes.NewReader(b.Bytes()), int64(b.Len()), "memory")
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Tensor("ramp", n)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range ramp {
			want := v
			switch dtype {
			case "F16":
				want = F16ToF32(F32ToF16(v))
			case "BF16":
				want = BF16ToF32(F32ToBF16(v))
			}
			if got[i] != want {
				t.Fatalf("%s: value %d is %v, want %v", dtype, i, got[i], want)
			}
		}
		if _, err := s.Tensor("nan"); err == nil || !strings.Contains(err.Error(), `tensor "nan": value 0 as stored is NaN`) {
			t.Errorf("%s: a NaN gave %v", dtype, err)
		}
	}
}

// fullDisk takes n bytes and then fails.
type fullDisk struct{ n int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(b []byte) (int, error) {
	if len(b) > d.n {
		n := d.n
		d.n = 0
		return n, errFull
	}
	d.n -= len(b)
	return len(b), nil
}

func TestWriteErrors(t *testing.T) {
	short := NewTensor{"short", []int{3}, func() []float32 { return make([]float32, 2) }}
	tests := []struct {
		dtype   string
		tensors []NewTensor
		want    string
	}{
		{"F64", nil, `dtype is "F64", want F32, BF16 or F16`},
		{"F32", []NewTensor{constant("a", 1, 1), constant("a", 1, 1)}, `tensor "a" appears twice`},
		{"F32", []NewTensor{constant("__metadata__", 1, 1)}, `"__metadata__" appears twice`},
		{"F32", []NewTensor{constant("a\xff", 1, 1)}, "not valid UTF-8"},
		{"F32", []NewTensor{short}, `tensor "short": got 2 values, want 3`},
		{"F32", []NewTensor{{"a", []int{-1}, nil}}, "negative dimension"},
		{"F32", []NewTensor{{"a", []int{1 << 30, 1 << 30}, nil}}, "more than"},
		{"F32", []NewTensor{{"a", make([]int, maxRank+1), nil}}, "9 dimensions, want at most 8"},
		{"F16", []NewTensor{constant("a", 2, -65520)}, `tensor "a": value 0 is -65520, beyond the range of F16`},
		{"BF16", []NewTensor{constant("a", 2, math.MaxFloat32)}, "beyond the range of BF16"},
	}
	for _, tt := range tests {
		if err := WriteSafetensors(new(bytes.Buffer), tt.dtype, tt.tensors); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	for _, room := range []int{0, 100, 300, 700} {
		if err := WriteSafetensors(&fullDisk{room}, "F32", []NewTensor{constant("a", 100, 1), constant("b", 100, 1)}); !errors.Is(err, errFull) {
			t.Errorf("a disk with %d bytes: %v", room, err)
		}
	}
}
