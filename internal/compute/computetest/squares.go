package computetest

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// squaresKernels are the norms of gradients: runs of rows with gaps, overlaps and empty ones, and shapes on both sides of
// every way to compute them.
func squaresKernels() []kernel {
	var all []kernel
	for _, s := range [][3]int{{1, 1, 1}, {7, 17, 5}, {40, 70, 100}, {70, 33, 31}, {130, 20, 700}, {130, 700, 20}, {600, 20, 40}, {90, 600, 600}} {
		rows, n, k := s[0], s[1], s[2]
		runs := []compute.Rows{{From: 0, To: rows}, {From: rows / 3, To: rows / 2}, {From: rows / 2, To: rows}, {From: rows, To: rows}, {From: 0, To: 1}}
		for _, acts := range []bool{false, true} {
			all = append(all, kernel{fmt.Sprintf("gradient squares R%d N%d K%d acts=%v", rows, n, k, acts), 1e-5, func(e *env) [][]float32 {
				dy, x := e.random(2, rows*n), e.random(3, rows*k)
				if acts {
					dy, x = e.rounded(4, rows*n), e.rounded(5, rows*k)
				}
				var out [][]float32
				for _, v := range e.b.GradSquares(dy, x, n, k, runs) {
					out = append(out, []float32{float32(v)}) // each within its own bound
				}
				return out
			}})
		}
	}
	return all
}

// rounded is a buffer of activations whose numbers are bf16 in every precision.
func (e *env) rounded(seed uint64, n int) compute.Buf {
	data := normal(seed, n)
	for i, v := range data {
		data[i] = math.Float32frombits(math.Float32bits(v) &^ 0xffff)
	}
	x := e.b.AllocActs(n)
	e.b.Copy(x, e.buf(data))
	return x
}

func adamSquaresKernel(n int) kernel {
	return kernel{fmt.Sprintf("adam squares %d", n), 1e-6, func(e *env) [][]float32 {
		v := normal(8, n)
		for i := range v { // a third was never seen
			v[i] = max(0, v[i]) * v[i]
			if i%3 == 0 {
				v[i] = 0
			}
		}
		squares, mass, count := e.b.AdamSquares(e.random(7, n), e.buf(v), 0.3, 1e-3)
		return [][]float32{{float32(squares)}, {float32(mass)}, {float32(count)}}
	}}
}
