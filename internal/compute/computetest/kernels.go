package computetest

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// kernels lists every call of the backend on odd sizes.
func kernels() []kernel {
	var all []kernel
	for _, s := range [][3]int{{1, 1, 1}, {1, 16, 16}, {3, 17, 5}, {7, 33, 31}, {16, 48, 64}, {33, 50, 129}, {130, 70, 100}} {
		all = append(all, matrixKernels(s[0], s[1], s[2])...)
	}
	for _, s := range [][2]int{{1, 8}, {3, 17}, {5, 64}, {33, 130}, {40, 576}} {
		all = append(all, rowKernels(s[0], s[1])...)
	}
	for _, n := range []int{1, 3, 15, 16, 17, 1000, 70001} {
		all = append(all, elementKernels(n)...)
		all = append(all, adamSquaresKernel(n))
	}
	all = append(all, squaresKernels()...)
	for _, h := range headShapes {
		for _, l := range layouts {
			all = append(all, attentionKernels(l, h)...)
		}
	}
	for _, s := range [][2]int{{1, 2}, {3, 17}, {5, 500}, {2, 20011}} {
		all = append(all, headKernels(s[0], s[1])...)
	}
	return all
}

func matrixKernels(rows, n, k int) []kernel {
	size := fmt.Sprintf(" R%d N%d K%d", rows, n, k)
	w := normal(1, n*k)
	all := []kernel{
		{"matmul gradient w" + size, 1e-5, func(e *env) [][]float32 {
			dw := e.weight(n, k, w)
			e.b.MatMulGradW(dw, e.random(2, rows*n), e.random(3, rows*k), []int{rows})
			return [][]float32{e.readWeight(dw)}
		}},
		{"upload weight" + size, 0, func(e *env) [][]float32 {
			return [][]float32{e.readWeight(e.weight(n, k, w))}
		}},
	}
	all = append(all, kernel{"matmuls" + size, 1e-5, func(e *env) [][]float32 {
		wide := normal(8, (n+40)*k)
		y := []compute.Buf{e.random(4, rows*n), e.random(9, rows*(n+40)), e.random(10, rows*n)}
		e.b.MatMuls(y, e.random(5, rows*k), []compute.Weight{e.weight(n, k, w), e.weight(n+40, k, wide), e.weight(n, k, w)}, rows)
		return [][]float32{e.read(y[0]), e.read(y[1]), e.read(y[2])}
	}})
	for _, add := range []bool{false, true} {
		name := size
		if add {
			name += " add"
		}
		all = append(all, kernel{"matmul" + name, 1e-5, func(e *env) [][]float32 {
			y := e.random(4, rows*n)
			e.b.MatMul(y, e.random(5, rows*k), e.weight(n, k, w), rows, add)
			return [][]float32{e.read(y)}
		}}, kernel{"matmul gradient x" + name, 1e-5, func(e *env) [][]float32 {
			dx := e.random(6, rows*k)
			e.b.MatMulGradX(dx, e.random(7, rows*n), e.weight(n, k, w), rows, add)
			return [][]float32{e.read(dx)}
		}})
	}
	return all
}

func rowKernels(rows, width int) []kernel {
	size := fmt.Sprintf(" R%d H%d", rows, width)
	picked, slots := make([]int32, rows), make([]int32, rows)
	for i := range picked {
		picked[i] = int32(rows + 3 - i)
		slots[i] = int32(i * i % 3)
	}
	return []kernel{
		{"embed" + size, 0, func(e *env) [][]float32 {
			y := e.random(1, rows*width)
			e.b.Embed(y, e.weight(rows+4, width, normal(2, (rows+4)*width)), picked)
			return [][]float32{e.read(y)}
		}},
		{"add rows" + size, 1e-7, func(e *env) [][]float32 {
			w := e.weight(rows+4, width, normal(3, (rows+4)*width))
			e.b.AddRows(w, e.random(4, rows*width), picked)
			return [][]float32{e.readWeight(w)}
		}},
		{"gather add" + size, 1e-6, func(e *env) [][]float32 {
			acc := e.random(5, 3*width)
			e.b.GatherAdd(acc, e.random(6, rows*width), slots, width)
			return [][]float32{e.read(acc)}
		}},
		{"pick rows" + size, 0, func(e *env) [][]float32 {
			y := e.random(7, rows*width)
			e.b.PickRows(y, e.random(8, (rows+4)*width), picked, width)
			return [][]float32{e.read(y)}
		}},
		{"add picked" + size, 1e-7, func(e *env) [][]float32 {
			x := e.random(9, (rows+4)*width)
			e.b.AddPicked(x, e.random(10, rows*width), picked, width)
			return [][]float32{e.read(x)}
		}},
		{"rmsnorm" + size, 1e-6, func(e *env) [][]float32 {
			y := e.random(11, rows*width)
			e.b.RMSNorm(y, e.random(12, rows*width), e.random(13, width), rows, 1e-5)
			return [][]float32{e.read(y)}
		}},
		{"rmsnorm gradient" + size, 3e-6, func(e *env) [][]float32 {
			dx, dg := e.random(14, rows*width), e.random(15, width)
			e.b.RMSNormGrad(dx, dg, e.random(16, rows*width), e.random(17, rows*width), e.random(18, width), rows, 1e-5)
			return [][]float32{e.read(dx), e.read(dg)}
		}},
		{"rmsnorm gradient frozen" + size, 3e-6, func(e *env) [][]float32 {
			dx := e.random(14, rows*width)
			e.b.RMSNormGrad(dx, nil, e.random(16, rows*width), e.random(17, rows*width), e.random(18, width), rows, 1e-5)
			return [][]float32{e.read(dx)}
		}},
	}
}

func elementKernels(n int) []kernel {
	size := fmt.Sprintf(" %d", n)
	return []kernel{
		{"add" + size, 1e-7, func(e *env) [][]float32 {
			y := e.random(1, n)
			e.b.Add(y, e.random(2, n))
			return [][]float32{e.read(y)}
		}},
		{"axpy" + size, 2e-7, func(e *env) [][]float32 {
			y := e.random(1, n)
			e.b.Axpy(y, -0.37, e.random(2, n))
			return [][]float32{e.read(y)}
		}},
		{"scale" + size, 1e-7, func(e *env) [][]float32 {
			y := e.random(1, n)
			e.b.Scale(y, 1.7)
			return [][]float32{e.read(y)}
		}},
		{"swiglu" + size, 1e-6, func(e *env) [][]float32 {
			y := e.random(3, n)
			e.b.SwiGLU(y, e.buf(wide(4, n)), e.random(5, n))
			return [][]float32{e.read(y)}
		}},
		{"swiglu gradient" + size, 1e-6, func(e *env) [][]float32 {
			dgate, dup := e.random(6, n), e.random(7, n)
			e.b.SwiGLUGrad(dgate, dup, e.random(8, n), e.buf(wide(9, n)), e.random(10, n))
			return [][]float32{e.read(dgate), e.read(dup)}
		}},
		{"adamw" + size, 1e-6, func(e *env) [][]float32 {
			p, m, v := e.random(11, n), e.random(12, n), e.buf(squares(13, n))
			o := compute.AdamW{Rate: 0.01, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, Decay: 0.1, C1: 0.271, C2: 0.0297, GradScale: 0.5}
			e.b.AdamW(p, e.random(14, n), m, v, o)
			return [][]float32{e.read(p), e.read(m), e.read(v)}
		}},
		{"sgd" + size, 1e-6, func(e *env) [][]float32 {
			p := e.random(15, n)
			e.b.SGD(p, e.random(16, n), nil, compute.SGD{Rate: 0.1, Decay: 0.01, GradScale: 0.7})
			return [][]float32{e.read(p)}
		}},
		{"sgd momentum" + size, 1e-6, func(e *env) [][]float32 {
			p, m := e.random(15, n), e.random(17, n)
			e.b.SGD(p, e.random(16, n), m, compute.SGD{Rate: 0.1, Momentum: 0.9, Decay: 0.01, GradScale: 0.7})
			return [][]float32{e.read(p), e.read(m)}
		}},
		{"sum of squares" + size, 1e-6, func(e *env) [][]float32 {
			sum := e.b.SumSquares(e.random(18, n))
			return [][]float32{{float32(sum), float32(sum - float64(float32(sum)))}}
		}},
		{"sum of magnitudes" + size, 1e-6, func(e *env) [][]float32 {
			return [][]float32{{float32(e.b.SumAbs(e.random(18, n)))}}
		}},
	}
}

// wide are numbers up to about ±90, where the logistic function is 0 or 1, and small ones.
func wide(seed uint64, n int) []float32 {
	x := normal(seed, n)
	for i := range x {
		if i%3 == 0 {
			x[i] *= 30
		}
	}
	return x
}

func squares(seed uint64, n int) []float32 {
	x := normal(seed, n)
	for i := range x {
		x[i] *= x[i]
	}
	return x
}

func headKernels(rows, v int) []kernel {
	var all []kernel
	target := make([]int32, rows)
	for r := range target {
		target[r] = int32((r*r*31 + v - 1) % v)
	}
	for _, temperature := range []float32{1, 0.7} {
		size := fmt.Sprintf(" R%d V%d T%g", rows, v, temperature)
		all = append(all, kernel{"token stats" + size, 2e-6, func(e *env) [][]float32 {
			s := e.b.TokenStats(e.buf(logits(1, rows, v)), v, temperature, target)
			return [][]float32{s.LogP, s.Entropy, s.SumP2}
		}}, kernel{"token stats gradient" + size, 3e-6, func(e *env) [][]float32 {
			x := e.buf(logits(2, rows, v))
			e.b.TokenStatsGrad(x, v, temperature, target, normal(3, rows), normal(4, rows))
			return [][]float32{e.read(x)}
		}}, kernel{"token stats gradient of logp" + size, 3e-6, func(e *env) [][]float32 {
			x := e.buf(logits(2, rows, v))
			e.b.TokenStatsGrad(x, v, temperature, target, normal(3, rows), nil)
			return [][]float32{e.read(x)}
		}})
	}
	return all
}

// logits are rows of growing sharpness around 100.
func logits(seed uint64, rows, v int) []float32 {
	x := normal(seed, rows*v)
	for i := range x {
		x[i] = x[i]*float32(1+2*(i/v)) + 100
	}
	return x
}
