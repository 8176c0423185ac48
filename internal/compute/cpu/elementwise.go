package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// Add: y += x.
func (b *Backend) Add(y, x compute.Buf) {
	yf, xf := f32(y), f32(x)
	mustHave("add: x", len(xf), len(yf))
	b.parallel(len(yf), elementGrain, func(lo, hi int) { addTo(yf[lo:hi], xf[lo:hi]) })
}

// Axpy: y += a·x.
func (b *Backend) Axpy(y compute.Buf, a float32, x compute.Buf) {
	yf, xf := f32(y), f32(x)
	mustHave("axpy: x", len(xf), len(yf))
	b.parallel(len(yf), elementGrain, func(lo, hi int) {
		y, x := yf[lo:hi], xf[lo:hi]
		for i, v := range x {
			y[i] += float32(a * v)
		}
	})
}

// Scale: x *= a.
func (b *Backend) Scale(x compute.Buf, a float32) {
	xf := f32(x)
	b.parallel(len(xf), elementGrain, func(lo, hi int) { scale(xf[lo:hi], a) })
}

func addTo(y, x []float32) {
	x = x[:len(y)]
	for i, v := range x {
		y[i] += v
	}
}
