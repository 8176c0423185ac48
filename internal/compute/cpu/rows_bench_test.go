package cpu

import (
	"fmt"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// The benchmarks here name their axes and report GB/s of the memory that a call must read and write, under every kernel
// set. Rows of 576 are SmolLM2-135M's: 32 a decoding step's, 4,096 a training step's. Only exponentials differ between
// avx2 and avx512.

// eachShape runs one row kernel; setup allocates and gives the call; bytes are those of one element.
func eachShape(b *testing.B, bytes float64, setup func(be *Backend, rows, h int) func()) {
	for _, rows := range []int{32, 4096} {
		const h = 576
		for _, impl := range Impls() {
			if impl == "avx512bf16" {
				continue // the same row kernels as avx512
			}
			be, err := NewWith(impl, 0)
			if err != nil {
				b.Fatal(err)
			}
			call := setup(be, rows, h)
			call() // touches the pages
			b.Run(fmt.Sprintf("rows=%d/H=%d/%s", rows, h, impl), func(b *testing.B) {
				for b.Loop() {
					call()
				}
				gigabytes(b, bytes*float64(rows*h))
			})
		}
	}
}

func gigabytes(b *testing.B, bytes float64) {
	b.ReportMetric(bytes*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
}

func BenchmarkRMSNorm(b *testing.B) {
	eachShape(b, 8, func(be *Backend, rows, h int) func() {
		y, x, g := be.Alloc(rows*h), filled(be, rows*h), filled(be, h)
		return func() { be.RMSNorm(y, x, g, rows, 1e-5) }
	})
}

func BenchmarkRMSNormBF16(b *testing.B) {
	eachShape(b, 6, func(be *Backend, rows, h int) func() {
		be.bf16 = true
		y, x, g := be.AllocActs(rows*h), filled(be, rows*h), filled(be, h)
		return func() { be.RMSNorm(y, x, g, rows, 1e-5) }
	})
}

func BenchmarkRMSNormGrad(b *testing.B) {
	eachShape(b, 16, func(be *Backend, rows, h int) func() {
		dx, dg, dy, x, g := be.Alloc(rows*h), be.Alloc(h), filled(be, rows*h), filled(be, rows*h), filled(be, h)
		return func() { be.RMSNormGrad(dx, dg, dy, x, g, rows, 1e-5) }
	})
}

func BenchmarkRoPE(b *testing.B) { benchmarkRoPE(b, false) }

func BenchmarkRoPEBF16(b *testing.B) { benchmarkRoPE(b, true) }

func benchmarkRoPE(b *testing.B, bf16 bool) {
	bytes := 8.0
	if bf16 {
		bytes = 4
	}
	eachShape(b, bytes, func(be *Backend, rows, h int) func() {
		be.bf16 = bf16
		const d = 64
		x, pos, freq := be.AllocActs(rows*h), make([]int32, rows), make([]float32, d/2)
		for r := range pos {
			pos[r] = int32(r % 512)
		}
		return func() { be.RoPE(x, pos, h/d, d, freq, false) }
	})
}

func BenchmarkSwiGLU(b *testing.B) { benchmarkSwiGLU(b, false) }

func BenchmarkSwiGLUBF16(b *testing.B) { benchmarkSwiGLU(b, true) }

func benchmarkSwiGLU(b *testing.B, bf16 bool) {
	bytes := 12.0
	if bf16 {
		bytes = 6
	}
	eachShape(b, bytes, func(be *Backend, rows, h int) func() {
		be.bf16 = bf16
		y, gate, up := be.AllocActs(rows*h), be.AllocActs(rows*h), be.AllocActs(rows*h)
		return func() { be.SwiGLU(y, gate, up) }
	})
}

func BenchmarkSwiGLUGrad(b *testing.B) {
	eachShape(b, 20, func(be *Backend, rows, h int) func() {
		dgate, dup, dy, gate, up := be.Alloc(rows*h), be.Alloc(rows*h), filled(be, rows*h), filled(be, rows*h), filled(be, rows*h)
		return func() { be.SwiGLUGrad(dgate, dup, dy, gate, up) }
	})
}

func BenchmarkEmbed(b *testing.B) {
	eachShape(b, 8, func(be *Backend, rows, h int) func() {
		w, y, ids := be.NewWeight(4096, h), be.Alloc(rows*h), make([]int32, rows)
		for r := range ids {
			ids[r] = int32(r * 37 % w.N)
		}
		return func() { be.Embed(y, w, ids) }
	})
}

func BenchmarkAdd(b *testing.B) {
	eachShape(b, 12, func(be *Backend, rows, h int) func() {
		y, x := be.Alloc(rows*h), be.Alloc(rows*h)
		return func() { be.Add(y, x) }
	})
}

func BenchmarkAxpy(b *testing.B) {
	eachShape(b, 12, func(be *Backend, rows, h int) func() {
		y, x := be.Alloc(rows*h), be.Alloc(rows*h)
		return func() { be.Axpy(y, 0.5, x) }
	})
}

func BenchmarkScale(b *testing.B) {
	eachShape(b, 8, func(be *Backend, rows, h int) func() {
		x := be.Alloc(rows * h)
		return func() { be.Scale(x, 0.5) }
	})
}

// eachSize runs one kernel over whole buffers: 2^16 elements lie in the second cache, 2^24 in memory.
func eachSize(b *testing.B, bytes float64, setup func(be *Backend, n int) func()) {
	for _, n := range []int{1 << 16, 1 << 24} {
		for _, impl := range Impls() {
			if impl == "avx512bf16" {
				continue // the same row kernels as avx512
			}
			be, err := NewWith(impl, 0)
			if err != nil {
				b.Fatal(err)
			}
			call := setup(be, n)
			call() // touches the pages
			b.Run(fmt.Sprintf("n=%d/%s", n, impl), func(b *testing.B) {
				for b.Loop() {
					call()
				}
				gigabytes(b, bytes*float64(n))
			})
		}
	}
}

func BenchmarkAdamW(b *testing.B) {
	eachSize(b, 28, func(be *Backend, n int) func() {
		p, g, m, v := filled(be, n), filled(be, n), be.Alloc(n), be.Alloc(n)
		o := compute.AdamW{Rate: 1e-3, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, C1: 1, C2: 1, GradScale: 1}
		return func() { be.AdamW(p, g, m, v, o) }
	})
}

func BenchmarkSGD(b *testing.B) {
	eachSize(b, 20, func(be *Backend, n int) func() {
		p, g, m := filled(be, n), filled(be, n), be.Alloc(n)
		return func() { be.SGD(p, g, m, compute.SGD{Rate: 1e-3, Momentum: 0.9, GradScale: 1}) }
	})
}

func BenchmarkSumSquares(b *testing.B) {
	eachSize(b, 4, func(be *Backend, n int) func() {
		x := filled(be, n)
		return func() { be.SumSquares(x) }
	})
}

func BenchmarkSumAbs(b *testing.B) {
	eachSize(b, 4, func(be *Backend, n int) func() {
		x := filled(be, n)
		return func() { be.SumAbs(x) }
	})
}

func BenchmarkAllFinite(b *testing.B) {
	eachSize(b, 4, func(be *Backend, n int) func() {
		x := filled(be, n)
		return func() { be.AllFinite(x) }
	})
}

func BenchmarkHalve(b *testing.B) {
	eachSize(b, 6, func(be *Backend, n int) func() {
		x := filled(be, n)
		be.bf16 = true
		y := be.AllocActs(n)
		return func() { be.Copy(y, x) }
	})
}

func BenchmarkWiden(b *testing.B) {
	eachSize(b, 6, func(be *Backend, n int) func() {
		y := be.Alloc(n)
		be.bf16 = true
		x := be.AllocActs(n)
		return func() { be.Copy(y, x) }
	})
}

func BenchmarkTokenStats(b *testing.B) {
	for _, s := range [][2]int{{512, 430}, {16, 49152}} {
		rows, v := s[0], s[1]
		for _, impl := range Impls() {
			if impl == "avx512bf16" {
				continue // the same row kernels as avx512
			}
			be, err := NewWith(impl, 0)
			if err != nil {
				b.Fatal(err)
			}
			z, target := filled(be, rows*v), make([]int32, rows)
			dlogp, dentropy := make([]float32, rows), make([]float32, rows)
			for _, c := range []struct {
				name string
				call func()
			}{
				{"forward", func() { be.TokenStats(z, v, 1, target) }},
				{"gradient", func() { be.TokenStatsGrad(z, v, 1, target, dlogp, nil) }},
				{"entropy-gradient", func() { be.TokenStatsGrad(z, v, 1, target, dlogp, dentropy) }},
			} {
				b.Run(fmt.Sprintf("rows=%d/V=%d/%s/%s", rows, v, c.name, impl), func(b *testing.B) {
					for b.Loop() {
						c.call()
					}
					perElement(b, rows*v)
				})
			}
		}
	}
}
