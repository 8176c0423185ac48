//go:build amd64 && !noasm

package cpu

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Each function here does what the portable loop of its caller would, in calls of rowBlock. The last elements, less than a
// block, are worked on in copies filled with zeros, which add nothing to a sum.

func dotBlocks(a, b []float32, sums *lanes) {
	b = b[:len(a)]
	for n := blocks(len(a)); n > 0; n = blocks(len(a)) {
		dotLanesAVX2(&a[0], &b[0], n, &sums[0])
		a, b = a[n:], b[n:]
	}
	if len(a) > 0 {
		lastA, lastB := rest(a), rest(b)
		dotLanesAVX2(&lastA[0], &lastB[0], compute.Lanes, &sums[0])
	}
}

// dotWhole is a whole dot product, if it is one call of assembly.
func dotWhole(a, b []float32) (sum float32, ok bool) {
	n := len(a)
	if n == 0 || n > rowBlock || n%compute.Lanes != 0 {
		return 0, false
	}
	return dotWholeAVX2(&a[0], &b[:n][0], n), true
}

func normDotBlocks(g, dy, x []float32, sums *lanes) {
	g, dy = g[:len(x)], dy[:len(x)]
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		normDotLanesAVX2(&g[0], &dy[0], &x[0], n, &sums[0])
		g, dy, x = g[n:], dy[n:], x[n:]
	}
	if len(x) > 0 {
		lastG, lastDy, lastX := rest(g), rest(dy), rest(x)
		normDotLanesAVX2(&lastG[0], &lastDy[0], &lastX[0], compute.Lanes, &sums[0])
	}
}

func normScaleBlocks(y, x, g []float32, s float32) {
	x, g = x[:len(y)], g[:len(y)]
	for n := blocks(len(y)); n > 0; n = blocks(len(y)) {
		normScaleAVX2(&y[0], &x[0], &g[0], s, n)
		y, x, g = y[n:], x[n:], g[n:]
	}
	if len(y) > 0 {
		lastY, lastX, lastG := rest(y), rest(x), rest(g)
		normScaleAVX2(&lastY[0], &lastX[0], &lastG[0], s, compute.Lanes)
		copy(y, lastY[:])
	}
}

func normGradBlocks(dx, dy, x, g []float32, s, c float32) {
	dx, dy, g = dx[:len(x)], dy[:len(x)], g[:len(x)]
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		normGradAVX2(&dx[0], &dy[0], &x[0], &g[0], s, c, n)
		dx, dy, x, g = dx[n:], dy[n:], x[n:], g[n:]
	}
	if len(x) > 0 {
		lastDx, lastDy, lastX, lastG := rest(dx), rest(dy), rest(x), rest(g)
		normGradAVX2(&lastDx[0], &lastDy[0], &lastX[0], &lastG[0], s, c, compute.Lanes)
		copy(dx, lastDx[:])
	}
}

func gainGradBlocks(dg, dy, x []float32, s float32) {
	dy, x = dy[:len(dg)], x[:len(dg)]
	for n := blocks(len(dg)); n > 0; n = blocks(len(dg)) {
		gainGradAVX2(&dg[0], &dy[0], &x[0], s, n)
		dg, dy, x = dg[n:], dy[n:], x[n:]
	}
	if len(dg) > 0 {
		lastDg, lastDy, lastX := rest(dg), rest(dy), rest(x)
		gainGradAVX2(&lastDg[0], &lastDy[0], &lastX[0], s, compute.Lanes)
		copy(dg, lastDg[:])
	}
}

func addBlocks(y, x []float32) {
	x = x[:len(y)]
	for n := blocks(len(y)); n > 0; n = blocks(len(y)) {
		addAVX2(&y[0], &x[0], n)
		y, x = y[n:], x[n:]
	}
	if len(y) > 0 {
		lastY, lastX := rest(y), rest(x)
		addAVX2(&lastY[0], &lastX[0], compute.Lanes)
		copy(y, lastY[:])
	}
}

func axpyBlocks(y []float32, a float32, x []float32) {
	x = x[:len(y)]
	for n := blocks(len(y)); n > 0; n = blocks(len(y)) {
		axpyAVX2(&y[0], &x[0], a, n)
		y, x = y[n:], x[n:]
	}
	if len(y) > 0 {
		lastY, lastX := rest(y), rest(x)
		axpyAVX2(&lastY[0], &lastX[0], a, compute.Lanes)
		copy(y, lastY[:])
	}
}

func scaleBlocks(x []float32, a float32) {
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		scaleAVX2(&x[0], a, n)
		x = x[n:]
	}
	if len(x) > 0 {
		lastX := rest(x)
		scaleAVX2(&lastX[0], a, compute.Lanes)
		copy(x, lastX[:])
	}
}

func adamWBlocks(p, g, m, v []float32, s *adamWScalars) {
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	for n := blocks(len(p)); n > 0; n = blocks(len(p)) {
		adamWAVX2(&p[0], &g[0], &m[0], &v[0], n, &s[0])
		p, g, m, v = p[n:], g[n:], m[n:], v[n:]
	}
	if len(p) > 0 {
		lastP, lastG, lastM, lastV := rest(p), rest(g), rest(m), rest(v)
		adamWAVX2(&lastP[0], &lastG[0], &lastM[0], &lastV[0], compute.Lanes, &s[0])
		copy(p, lastP[:])
		copy(m, lastM[:])
		copy(v, lastV[:])
	}
}

func sgdBlocks(p, g []float32, s *sgdScalars) {
	g = g[:len(p)]
	for n := blocks(len(p)); n > 0; n = blocks(len(p)) {
		sgdAVX2(&p[0], &g[0], n, &s[0])
		p, g = p[n:], g[n:]
	}
	if len(p) > 0 {
		lastP, lastG := rest(p), rest(g)
		sgdAVX2(&lastP[0], &lastG[0], compute.Lanes, &s[0])
		copy(p, lastP[:])
	}
}

func sgdMomentumBlocks(p, g, m []float32, s *sgdScalars) {
	g, m = g[:len(p)], m[:len(p)]
	for n := blocks(len(p)); n > 0; n = blocks(len(p)) {
		sgdMomentumAVX2(&p[0], &g[0], &m[0], n, &s[0])
		p, g, m = p[n:], g[n:], m[n:]
	}
	if len(p) > 0 {
		lastP, lastG, lastM := rest(p), rest(g), rest(m)
		sgdMomentumAVX2(&lastP[0], &lastG[0], &lastM[0], compute.Lanes, &s[0])
		copy(p, lastP[:])
		copy(m, lastM[:])
	}
}

// squareBlocks works on two rows of one length, because one sum alone would wait for its additions.
func squareBlocks(x, y []float32, sums *[2][4]float64) {
	y = y[:len(x)]
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		squareLanesAVX2(&x[0], &y[0], n, &sums[0][0])
		x, y = x[n:], y[n:]
	}
	if len(x) > 0 {
		lastX, lastY := rest(x), rest(y)
		squareLanesAVX2(&lastX[0], &lastY[0], compute.Lanes, &sums[0][0])
	}
}

func absBlocks(x []float32, sums *[compute.Lanes]float64) {
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		absLanesAVX2(&x[0], n, &sums[0])
		x = x[n:]
	}
	if len(x) > 0 {
		lastX := rest(x)
		absLanesAVX2(&lastX[0], compute.Lanes, &sums[0])
	}
}

func scoreGradBlocks(dp, e []float32, inv, mean float32) {
	dp = dp[:len(e)]
	for n := blocks(len(e)); n > 0; n = blocks(len(e)) {
		scoreGradAVX2(&dp[0], &e[0], n, inv, mean)
		dp, e = dp[n:], e[n:]
	}
	if len(e) > 0 {
		lastDp, lastE := rest(dp), rest(e)
		scoreGradAVX2(&lastDp[0], &lastE[0], compute.Lanes, inv, mean)
		copy(dp, lastDp[:])
		copy(e, lastE[:])
	}
}

func largestBlocks(x []float32, most *[compute.Lanes]uint32) {
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		largestBitsAVX2(&x[0], n, &most[0])
		x = x[n:]
	}
	if len(x) > 0 {
		lastX := rest(x)
		largestBitsAVX2(&lastX[0], compute.Lanes, &most[0])
	}
}

// turnBlocks turns all heads of a row.
func turnBlocks(row, cos, sin []float32, inverse bool) {
	half := len(cos)
	flip := float32(0)
	if inverse {
		flip = float32(math.Copysign(0, -1))
	}
	if half%8 == 0 {
		turnAVX2(&row[0], &cos[0], &sin[:half][0], flip, half, len(row)/(2*half))
		return
	}
	const part = 8
	for ; len(row) > 0; row = row[2*half:] {
		for from := 0; from < half; from += part {
			a, b := row[from:min(half, from+part)], row[half+from:min(2*half, half+from+part)]
			var pairs, angles lanes
			copy(pairs[:part], a)
			copy(pairs[part:], b)
			copy(angles[:part], cos[from:])
			copy(angles[part:], sin[from:])
			turnAVX2(&pairs[0], &angles[0], &angles[part], flip, part, 1)
			copy(a, pairs[:])
			copy(b, pairs[part:])
		}
	}
}

// rest is a block that begins with the last elements.
func rest(x []float32) (last lanes) {
	copy(last[:], x)
	return last
}
