package weights

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkTensor loads a matrix of 16 M values, from memory, by its stored type.
func BenchmarkTensor(b *testing.B) {
	const rows, width = 4096, 4096
	kinds := []uint32{0, 1, 8, 2, 3} // F32, F16, Q8_0, Q4_0, Q4_1
	for _, kind := range kinds {
		typ := ggufTypes[kind]
		file := draft().tensor("output.weight", kind, 0, width, rows).bytes(rows * width / typ.elems * typ.size)
		g, err := ReadGGUF(bytes.NewReader(file), int64(len(file)), "memory")
		if err != nil {
			b.Fatal(err)
		}
		b.Run("type="+typ.name, func(b *testing.B) {
			b.SetBytes(4 * rows * width)
			for b.Loop() {
				if _, err := g.Tensor("lm_head.weight", rows, width); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpenFile opens and loads a file of 135 M values in 64 tensors, the size of SmolLM2-135M.
func BenchmarkOpenFile(b *testing.B) {
	const n, tensors = 135 << 20 / 64, 64
	for _, dtype := range []string{"F32", "BF16"} {
		path := filepath.Join(b.TempDir(), dtype)
		f, err := os.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		if err := WriteSafetensors(f, dtype, manyTensors(tensors, n)); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("values=%d/%s", n*tensors, dtype), func(b *testing.B) {
			b.SetBytes(4 * n * tensors)
			for b.Loop() {
				s, err := OpenSafetensors(path)
				if err != nil {
					b.Fatal(err)
				}
				for _, name := range s.Names() {
					if _, err := s.Tensor(name, n); err != nil {
						b.Fatal(err)
					}
				}
				s.Close()
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	const n, tensors = 1 << 20, 16
	for _, dtype := range []string{"F32", "F16", "BF16"} {
		b.Run("type="+dtype, func(b *testing.B) {
			b.SetBytes(4 * n * tensors)
			for b.Loop() {
				if err := WriteSafetensors(io.Discard, dtype, manyTensors(tensors, n)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// manyTensors share one slice of n values.
func manyTensors(count, n int) []NewTensor {
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(i%1000) / 1000
	}
	var out []NewTensor
	for i := range count {
		out = append(out, NewTensor{fmt.Sprintf("model.%d", i), []int{n}, func() []float32 { return data }})
	}
	return out
}
