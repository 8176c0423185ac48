package cpu

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// AdamSquares is Σ x²/(sqrt(v/c2)+eps) over v > 0, with Σ of the factors and their number: chunks of one size, each with
// sums of its own, added in order.
func (b *Backend) AdamSquares(x, v compute.Buf, c2, eps float32) (squares, mass float64, n int) {
	xf, vf := f32(x), f32(v)
	mustHave("adam squares", len(vf), len(xf))
	parts := make([]adamPart, ceilDiv(len(xf), sumChunk))
	b.parallel(len(parts), 1, func(lo, hi int) {
		for c := lo; c < hi; c++ {
			to := min(len(xf), (c+1)*sumChunk)
			parts[c].add(xf[c*sumChunk:to], vf[c*sumChunk:to], 1/c2, eps)
		}
	})
	for _, p := range parts {
		squares, mass, n = squares+p.squares, mass+p.mass, n+p.n
	}
	return squares, mass, n
}

type adamPart struct {
	squares, mass float64
	n             int
}

func (p *adamPart) add(x, v []float32, scale, eps float32) {
	v = v[:len(x)]
	for i, g := range x {
		if v[i] > 0 {
			d := 1 / (float32(math.Sqrt(float64(v[i]*scale))) + eps)
			p.squares += float64(d) * float64(float32(g*g)) // the product is rounded first, so nothing fuses
			p.mass += float64(d)
			p.n++
		}
	}
}
