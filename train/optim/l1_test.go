package optim

import (
	"math"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/internal/compute/ref"
)

// TestL1 over buffers shorter and longer than the pieces they are read in.
func TestL1(t *testing.T) {
	b := ref.New()
	var params []Param
	want := 0.0
	for _, n := range []int{1, 3, 1 << 14, 1<<14 + 5, 40_001} {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(math.Sin(float64(i + n)))
			want += math.Abs(float64(v[i]))
		}
		params = append(params, Param{Grad: buf(b, v...)})
	}
	if got := L1(b, params); math.Abs(got-want) > 1e-7*want {
		t.Errorf("%v, want %v", got, want)
	}
}

// BenchmarkL1 over as many gradients as SmolLM2-135M has.
func BenchmarkL1(b *testing.B) {
	const n = 134_515_008
	backend := cpu.New(0)
	params := []Param{{Grad: backend.Alloc(n)}}
	for b.Loop() {
		L1(backend, params)
	}
	b.SetBytes(4 * n)
}
