package ref

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Add: y += x.
func (*Backend) Add(y, x compute.Buf) { addTo(Data(y), Data(x)) }

// Axpy: y += a·x.
func (*Backend) Axpy(y compute.Buf, a float32, x compute.Buf) {
	yd, xd := Data(y), Data(x)
	mustEqual(len(yd), len(xd))
	for i := range yd {
		yd[i] += float64(a) * xd[i]
	}
}

// Scale: x *= a.
func (*Backend) Scale(x compute.Buf, a float32) {
	xd := Data(x)
	for i := range xd {
		xd[i] *= float64(a)
	}
}

// PickRows: y[i,:] = x[rows[i],:].
func (*Backend) PickRows(y, x compute.Buf, rows []int32, width int) {
	yd, xd := Data(y), Data(x)
	mustEqual(len(yd), len(rows)*width)
	for i, r := range rows {
		copy(row(yd, i, width), row(xd, int(r), width))
	}
}

// AddPicked: x[rows[i],:] += y[i,:].
func (*Backend) AddPicked(x, y compute.Buf, rows []int32, width int) {
	xd, yd := Data(x), Data(y)
	mustEqual(len(yd), len(rows)*width)
	for i, r := range rows {
		addTo(row(xd, int(r), width), row(yd, i, width))
	}
}

// RMSNorm: y[r,h] = g[h]·x[r,h]/sqrt(mean_h x² + eps).
func (*Backend) RMSNorm(y, x, g compute.Buf, rows int, eps float32) {
	yd, xd, gd := Data(y), Data(x), Data(g)
	h := len(gd)
	mustEqual(len(xd), rows*h)
	mustEqual(len(yd), rows*h)
	for r := range rows {
		xr, yr := row(xd, r, h), row(yd, r, h)
		inv := inverseRMS(xr, eps)
		for i := range h {
			yr[i] = gd[i] * xr[i] * inv
		}
	}
}

// RMSNormGrad: with s = 1/sqrt(mean x² + eps), dx += s·g·dy − x·s³·(Σ g·dy·x)/H and dg += Σ_r dy·x·s.
func (*Backend) RMSNormGrad(dx, dg, dy, x, g compute.Buf, rows int, eps float32) {
	dxd, dgd, dyd, xd, gd := Data(dx), Data(dg), Data(dy), Data(x), Data(g)
	h := len(gd)
	mustEqual(len(dxd), rows*h)
	mustEqual(len(dyd), rows*h)
	for r := range rows {
		xr, dyr, dxr := row(xd, r, h), row(dyd, r, h), row(dxd, r, h)
		s := inverseRMS(xr, eps)
		dot := 0.0
		for i := range h {
			dot += gd[i] * dyr[i] * xr[i]
		}
		for i := range h {
			dxr[i] += s*gd[i]*dyr[i] - xr[i]*s*s*s*dot/float64(h)
			if dgd != nil {
				dgd[i] += dyr[i] * xr[i] * s
			}
		}
	}
}

func inverseRMS(x []float64, eps float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return 1 / math.Sqrt(sum/float64(len(x))+float64(eps))
}

// RoPE turns pairs (i, i+D/2) of each head. The angle is a float32 product, as in transformers.
func (*Backend) RoPE(x compute.Buf, pos []int32, heads, d int, invFreq []float32, inverse bool) {
	xd := Data(x)
	mustEqual(len(xd), len(pos)*heads*d)
	mustEqual(len(invFreq), d/2)
	for r, p := range pos {
		for i, f := range invFreq {
			sin, cos := math.Sincos(float64(float32(p) * f))
			if inverse {
				sin = -sin
			}
			for h := range heads {
				head := row(xd, r*heads+h, d)
				a, b := head[i], head[i+d/2]
				head[i], head[i+d/2] = a*cos-b*sin, b*cos+a*sin
			}
		}
	}
}

// SwiGLU: y = gate·σ(gate)·up.
func (*Backend) SwiGLU(y, gate, up compute.Buf) {
	yd, gd, ud := Data(y), Data(gate), Data(up)
	mustEqual(len(yd), len(gd))
	mustEqual(len(yd), len(ud))
	for i := range yd {
		yd[i] = gd[i] * sigmoid(gd[i]) * ud[i]
	}
}

// SwiGLUGrad writes dup = dy·gate·σ and dgate = dy·up·σ·(1 + gate·(1-σ)).
func (*Backend) SwiGLUGrad(dgate, dup, dy, gate, up compute.Buf) {
	dgd, dud, dyd, gd, ud := Data(dgate), Data(dup), Data(dy), Data(gate), Data(up)
	mustEqual(len(dgd), len(gd))
	mustEqual(len(dud), len(gd))
	mustEqual(len(dyd), len(gd))
	mustEqual(len(ud), len(gd))
	for i := range dyd {
		s, dy := sigmoid(gd[i]), dyd[i]
		dgd[i], dud[i] = dy*ud[i]*s*(1+gd[i]*(1-s)), dy*gd[i]*s
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
