//go:build amd64 && !noasm

package cpu

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Each function here does the whole blocks of 16 at the start of its slices, as the portable loop of its caller would,
// and returns how many elements that are. They cut the work into calls of rowBlock.

func dotBlocks(a, b []float32, sums *lanes) (done int) {
	b = b[:len(a)]
	for n := blocks(len(a)); n > 0; n = blocks(len(a) - done) {
		dotLanesAVX2(&a[done], &b[done], n, &sums[0])
		done += n
	}
	return done
}

// dotWhole is a whole dot product, if it is one call of assembly.
func dotWhole(a, b []float32) (sum float32, ok bool) {
	n := len(a)
	if n == 0 || n > rowBlock || n%compute.Lanes != 0 {
		return 0, false
	}
	return dotWholeAVX2(&a[0], &b[:n][0], n), true
}

func normDotBlocks(g, dy, x []float32, sums *lanes) (done int) {
	g, dy = g[:len(x)], dy[:len(x)]
	for n := blocks(len(x)); n > 0; n = blocks(len(x) - done) {
		normDotLanesAVX2(&g[done], &dy[done], &x[done], n, &sums[0])
		done += n
	}
	return done
}

func normScaleBlocks(y, x, g []float32, s float32) (done int) {
	x, g = x[:len(y)], g[:len(y)]
	for n := blocks(len(y)); n > 0; n = blocks(len(y) - done) {
		normScaleAVX2(&y[done], &x[done], &g[done], s, n)
		done += n
	}
	return done
}

func normGradBlocks(dx, dy, x, g []float32, s, c float32) (done int) {
	dx, dy, g = dx[:len(x)], dy[:len(x)], g[:len(x)]
	for n := blocks(len(x)); n > 0; n = blocks(len(x) - done) {
		normGradAVX2(&dx[done], &dy[done], &x[done], &g[done], s, c, n)
		done += n
	}
	return done
}

func gainGradBlocks(dg, dy, x []float32, s float32) (done int) {
	dy, x = dy[:len(dg)], x[:len(dg)]
	for n := blocks(len(dg)); n > 0; n = blocks(len(dg) - done) {
		gainGradAVX2(&dg[done], &dy[done], &x[done], s, n)
		done += n
	}
	return done
}

func addBlocks(y, x []float32) (done int) {
	x = x[:len(y)]
	for n := blocks(len(y)); n > 0; n = blocks(len(y) - done) {
		addAVX2(&y[done], &x[done], n)
		done += n
	}
	return done
}

func axpyBlocks(y []float32, a float32, x []float32) (done int) {
	x = x[:len(y)]
	for n := blocks(len(y)); n > 0; n = blocks(len(y) - done) {
		axpyAVX2(&y[done], &x[done], a, n)
		done += n
	}
	return done
}

func scaleBlocks(x []float32, a float32) (done int) {
	for n := blocks(len(x)); n > 0; n = blocks(len(x) - done) {
		scaleAVX2(&x[done], a, n)
		done += n
	}
	return done
}

func adamWBlocks(p, g, m, v []float32, s *adamWScalars) (done int) {
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	for n := blocks(len(p)); n > 0; n = blocks(len(p) - done) {
		adamWAVX2(&p[done], &g[done], &m[done], &v[done], n, &s[0])
		done += n
	}
	return done
}

func sgdBlocks(p, g []float32, s *sgdScalars) (done int) {
	g = g[:len(p)]
	for n := blocks(len(p)); n > 0; n = blocks(len(p) - done) {
		sgdAVX2(&p[done], &g[done], n, &s[0])
		done += n
	}
	return done
}

func sgdMomentumBlocks(p, g, m []float32, s *sgdScalars) (done int) {
	g, m = g[:len(p)], m[:len(p)]
	for n := blocks(len(p)); n > 0; n = blocks(len(p) - done) {
		sgdMomentumAVX2(&p[done], &g[done], &m[done], n, &s[0])
		done += n
	}
	return done
}

// squareBlocks works on two rows of one length, because one sum alone would wait for its additions.
func squareBlocks(x, y []float32, sums *[2][4]float64) (done int) {
	y = y[:len(x)]
	for n := blocks(len(x)); n > 0; n = blocks(len(x) - done) {
		squareLanesAVX2(&x[done], &y[done], n, &sums[0][0])
		done += n
	}
	return done
}

func absBlocks(x []float32, sums *[compute.Lanes]float64) (done int) {
	for n := blocks(len(x)); n > 0; n = blocks(len(x) - done) {
		absLanesAVX2(&x[done], n, &sums[0])
		done += n
	}
	return done
}

func scoreGradBlocks(dp, e []float32, inv, mean float32) (done int) {
	dp = dp[:len(e)]
	for n := blocks(len(e)); n > 0; n = blocks(len(e) - done) {
		scoreGradAVX2(&dp[done], &e[done], n, inv, mean)
		done += n
	}
	return done
}

func largestBlocks(x []float32, most *[compute.Lanes]uint32) (done int) {
	for n := blocks(len(x)); n > 0; n = blocks(len(x) - done) {
		largestBitsAVX2(&x[done], n, &most[0])
		done += n
	}
	return done
}

// turnBlocks turns all heads of a row if their halves are whole registers, and says whether it did.
func turnBlocks(row, cos, sin []float32, inverse bool) bool {
	half := len(cos)
	heads := len(row) / max(1, 2*half)
	if half%8 != 0 || heads == 0 {
		return false
	}
	flip := float32(0)
	if inverse {
		flip = float32(math.Copysign(0, -1))
	}
	turnAVX2(&row[0], &cos[0], &sin[:half][0], flip, half, heads)
	return true
}
