package cpu

import (
	"context"
	"time"

	"github.com/burnish-rl/burnish/internal/compute"
)

// GEMMShape is the size of a weight matrix, N outputs by K inputs.
type GEMMShape struct{ N, K int }

// GEMMShapes are the weight matrices of SmolLM2-135M: query and output projections, key and value projections, the two
// of the MLP, and the tied head.
var GEMMShapes = []GEMMShape{{576, 576}, {192, 576}, {1536, 576}, {576, 1536}, {49152, 576}}

// GEMMResult is the speed of the three matrix products of one layer at one number of rows, in GFLOP/s (a multiply-add
// counts as two).
type GEMMResult struct {
	Shape                GEMMShape
	Rows                 int
	Kernel               string
	MatMul, GradX, GradW float64
}

// BenchGEMM measures every shape at every number of rows, each product for about the given seconds, with the best
// kernels of this machine. It stops between two measurements when ctx ends.
func BenchGEMM(ctx context.Context, threads int, rows []int, seconds float64) []GEMMResult {
	b := New(threads)
	var results []GEMMResult
	for _, shape := range GEMMShapes {
		for _, r := range rows {
			if ctx.Err() != nil {
				return results
			}
			g := newGEMM(b, shape, r)
			results = append(results, GEMMResult{
				Shape: shape, Rows: r, Kernel: b.kernel.name,
				MatMul: g.gflops(g.matMul, seconds),
				GradX:  g.gflops(g.gradX, seconds),
				GradW:  g.gflops(g.gradW, seconds),
			})
			g.release()
		}
	}
	return results
}

// gemm holds the operands of one measurement.
type gemm struct {
	b            *Backend
	shape        GEMMShape
	rows         int
	w, dw        compute.Weight
	x, y, dx, dy compute.Buf
}

func newGEMM(b *Backend, s GEMMShape, rows int) *gemm {
	g := &gemm{b: b, shape: s, rows: rows, w: b.NewWeight(s.N, s.K), dw: b.NewWeight(s.N, s.K)}
	g.x, g.dx = b.Alloc(rows*s.K), b.Alloc(rows*s.K)
	g.y, g.dy = b.Alloc(rows*s.N), b.Alloc(rows*s.N)
	for _, v := range []compute.Buf{g.w.Data, g.x, g.dy} {
		for i := range f32(v) {
			f32(v)[i] = float32(i%7-3) / 64
		}
	}
	return g
}

func (g *gemm) release() {
	for _, v := range []compute.Buf{g.w.Data, g.dw.Data, g.x, g.y, g.dx, g.dy} {
		g.b.Free(v)
	}
}

func (g *gemm) matMul() { g.b.MatMul(g.y, g.x, g.w, g.rows, false) }
func (g *gemm) gradX()  { g.b.MatMulGradX(g.dx, g.dy, g.w, g.rows, false) }
func (g *gemm) gradW()  { g.b.MatMulGradW(g.dw, g.dy, g.x, []int{g.rows}) }

// flops is the number of floating-point operations of one product.
func (g *gemm) flops() float64 { return 2 * float64(g.rows) * float64(g.shape.N) * float64(g.shape.K) }

// gflops is the speed in the fastest of ten parts of the given time, so that another process's burst doesn't count.
func (g *gemm) gflops(product func(), seconds float64) float64 {
	const parts = 10
	product() // faults the pages in
	best := 0.0
	for begin := time.Now(); ; {
		start, n := time.Now(), 0
		for n == 0 || time.Since(start).Seconds() < seconds/parts {
			product()
			n++
		}
		best = max(best, float64(n)*g.flops()/time.Since(start).Seconds()/1e9)
		if time.Since(begin).Seconds() >= seconds {
			return best
		}
	}
}
