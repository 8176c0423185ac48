package ref

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// SumSquares is Σ x².
func (*Backend) SumSquares(x compute.Buf) float64 {
	s := 0.0
	for _, v := range Data(x) {
		s += v * v
	}
	return s
}

// SumAbs is Σ |x|.
func (*Backend) SumAbs(x compute.Buf) float64 {
	s := 0.0
	for _, v := range Data(x) {
		s += math.Abs(float64(v))
	}
	return s
}

// AllFinite is false if any element is NaN or infinite.
func (*Backend) AllFinite(x compute.Buf) bool {
	for _, v := range Data(x) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// AdamW is one step of decoupled weight decay.
func (*Backend) AdamW(p, g, m, v compute.Buf, o compute.AdamW) {
	pd, gd, md, vd := Data(p), Data(g), Data(m), Data(v)
	mustEqual(len(gd), len(pd))
	mustEqual(len(md), len(pd))
	mustEqual(len(vd), len(pd))
	rate, b1, b2 := float64(o.Rate), float64(o.Beta1), float64(o.Beta2)
	for i := range pd {
		g := gd[i] * float64(o.GradScale)
		md[i] = b1*md[i] + (1-b1)*g
		vd[i] = b2*vd[i] + (1-b2)*g*g
		pd[i] -= rate * float64(o.Decay) * pd[i]
		pd[i] -= rate * (md[i] / float64(o.C1)) / (math.Sqrt(vd[i]/float64(o.C2)) + float64(o.Eps))
	}
}

// SGD is p -= rate·(gscale·g + decay·p), through heavy-ball momentum unless m is nil.
func (*Backend) SGD(p, g, m compute.Buf, o compute.SGD) {
	pd, gd, md := Data(p), Data(g), Data(m)
	mustEqual(len(gd), len(pd))
	for i := range pd {
		step := float64(o.GradScale)*gd[i] + float64(o.Decay)*pd[i]
		if md != nil {
			md[i] = float64(o.Momentum)*md[i] + step
			step = md[i]
		}
		pd[i] -= float64(o.Rate) * step
	}
}
