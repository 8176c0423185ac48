package cpu

import (
	"context"

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

// coldBytes is what cold weights take together: more than any cache.
const coldBytes = 256 << 20

// BenchGEMM measures every shape at every number of rows, each product for about the given seconds. When cold, a product
// takes another matrix each time, of so many that none is still in a cache, as in a model's layers. It stops between two
// measurements when ctx ends.
func BenchGEMM(ctx context.Context, b *Backend, rows []int, seconds float64, cold bool) []GEMMResult {
	var results []GEMMResult
	for _, shape := range GEMMShapes {
		for _, r := range rows {
			if ctx.Err() != nil {
				return results
			}
			g := newGEMM(b, shape, r, cold)
			results = append(results, GEMMResult{
				Shape: shape, Rows: r, Kernel: b.kernel.name,
				MatMul: fastest(g.matMul, g.flops(), seconds),
				GradX:  fastest(g.gradX, g.flops(), seconds),
				GradW:  fastest(g.gradW, g.flops(), seconds),
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
	w, dw        []compute.Weight // one, or as many as make them cold
	turn         int
	x, y, dx, dy compute.Buf
}

func newGEMM(b *Backend, s GEMMShape, rows int, cold bool) *gemm {
	g := &gemm{b: b, shape: s, rows: rows}
	copies := 1
	if cold {
		copies = ceilDiv(coldBytes, 2*s.N*s.K) // enough of two bytes an element too
	}
	values := benchValues(s.N * s.K)
	for range copies {
		w := b.NewWeight(s.N, s.K)
		b.UploadWeight(w, values)
		if w.Half = b.NewHalf(s.N, s.K); w.Half != nil {
			b.Halve(w)
		}
		g.w, g.dw = append(g.w, w), append(g.dw, b.NewWeight(s.N, s.K))
	}
	g.x, g.dx = benchActs(b, rows*s.K), b.Alloc(rows*s.K)
	g.y, g.dy = b.AllocActs(rows*s.N), benchActs(b, rows*s.N)
	return g
}

func (g *gemm) release() {
	freeAll(g.b, g.x, g.y, g.dx, g.dy)
	for i, w := range g.w {
		freeAll(g.b, w.Data, g.dw[i].Data)
		if w.Half != nil {
			g.b.Free(w.Half)
		}
	}
}

// next is the matrix whose turn it is.
func (g *gemm) next() int {
	g.turn = (g.turn + 1) % len(g.w)
	return g.turn
}

func (g *gemm) matMul() { g.b.MatMul(g.y, g.x, g.w[g.next()], g.rows, false) }
func (g *gemm) gradX()  { g.b.MatMulGradX(g.dx, g.dy, g.w[g.next()], g.rows, false) }
func (g *gemm) gradW()  { g.b.MatMulGradW(g.dw[g.next()], g.dy, g.x, []int{g.rows}) }

// flops is the number of floating-point operations of one product.
func (g *gemm) flops() float64 { return 2 * float64(g.rows) * float64(g.shape.N) * float64(g.shape.K) }
