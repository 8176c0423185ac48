package ref

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// GradSquares: Σ_{n,k} (Σ_r dy[r,n]·x[r,k])² of each run.
func (*Backend) GradSquares(dy, x compute.Buf, n, k int, runs []compute.Rows) []float64 {
	dyd, xd := Data(dy), Data(x)
	mustEqual(len(dyd)*k, len(xd)*n)
	out := make([]float64, len(runs))
	dw := make([]float64, k)
	for i, run := range runs {
		for j := range n {
			clear(dw)
			for r := run.From; r < run.To; r++ {
				for c, v := range row(xd, r, k) {
					dw[c] += dyd[r*n+j] * v
				}
			}
			for _, v := range dw {
				out[i] += v * v
			}
		}
	}
	return out
}

// AdamSquares: Σ x²/(sqrt(v/c2)+eps) over v > 0.
func (*Backend) AdamSquares(x, v compute.Buf, c2, eps float32) (squares, mass float64, n int) {
	xd, vd := Data(x), Data(v)
	mustEqual(len(xd), len(vd))
	for i, v := range vd {
		if v > 0 {
			d := 1 / (math.Sqrt(v/float64(c2)) + float64(eps))
			squares, mass, n = squares+d*xd[i]*xd[i], mass+d, n+1
		}
	}
	return squares, mass, n
}
