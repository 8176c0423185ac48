//go:build amd64 && !noasm

package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// The functions here do in assembly what the portable loop of their caller does, who asks for them only where the kernel
// set has them. Both give the same bits: nothing is fused. The last elements, less than a block, are worked on in a copy,
// as exponentials one by one would take longer than all the blocks of a short row.

// rowBlock is the most elements of one assembly call, which isn't preemptible: a few µs.
const rowBlock = 4096

// blocks is the length of the next call's part of n elements, 0 when only a part of a block is left.
func blocks(n int) int { return min(n, rowBlock) &^ (compute.Lanes - 1) }

// maxBlocks raises lane i mod 16 of most to x[i] and returns what is left of x.
func maxBlocks(x []float32, most *lanes) []float32 {
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		maxLanesAVX2(&x[0], n, &most[0])
		x = x[n:]
	}
	return x
}

// expBlocks replaces x by e^((x-sub)·scale) and adds it to sums.
func expBlocks(x []float32, sub, scale float32, sums *lanes) {
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		expLanesAVX2(&x[0], n, sub, scale, &sums[0])
		x = x[n:]
	}
	if len(x) > 0 {
		var last, e lanes
		copy(last[:], x)
		expLanesAVX2(&last[0], compute.Lanes, sub, scale, &e[0])
		copy(x, last[:])
		sums.addFirst(&e, len(x))
	}
}

// statBlocks adds e^d, e^d·d and e^2d for d = (x-sub)·scale, clamped to faintest.
func statBlocks(x []float32, sub, scale float32, e, ed, ee *lanes) {
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		statLanesAVX2(&x[0], n, sub, scale, &e[0], &ed[0], &ee[0])
		x = x[n:]
	}
	if len(x) > 0 {
		var last, e1, ed1, ee1 lanes
		copy(last[:], x)
		statLanesAVX2(&last[0], compute.Lanes, sub, scale, &e1[0], &ed1[0], &ee1[0])
		e.addFirst(&e1, len(x))
		ed.addFirst(&ed1, len(x))
		ee.addFirst(&ee1, len(x))
	}
}

// addFirst adds the first n lanes of x, each of them one element over 0.
func (s *lanes) addFirst(x *lanes, n int) {
	for j, v := range x[:n] {
		s[j] += v
	}
}

// statGradBlocks is statGrad.
func statGradBlocks(z []float32, s *gradScalars) {
	for n := blocks(len(z)); n > 0; n = blocks(len(z)) {
		statGradAVX2(&z[0], n, &s[0])
		z = z[n:]
	}
	if len(z) > 0 {
		var last lanes
		copy(last[:], z)
		statGradAVX2(&last[0], compute.Lanes, &s[0])
		copy(z, last[:])
	}
}

// swigluBlocks is swigluGeneric.
func swigluBlocks(y, gate, up []float32) {
	gate, up = gate[:len(y)], up[:len(y)]
	for n := blocks(len(y)); n > 0; n = blocks(len(y)) {
		swigluAVX2(&y[0], &gate[0], &up[0], n)
		y, gate, up = y[n:], gate[n:], up[n:]
	}
	if len(y) > 0 {
		var g, u lanes
		copy(g[:], gate)
		copy(u[:], up)
		swigluAVX2(&g[0], &g[0], &u[0], compute.Lanes)
		copy(y, g[:])
	}
}

// swigluGradBlocks is swigluGradGeneric.
func swigluGradBlocks(dgate, dup, dy, gate, up []float32) {
	dgate, dup, dy, up = dgate[:len(gate)], dup[:len(gate)], dy[:len(gate)], up[:len(gate)]
	for n := blocks(len(gate)); n > 0; n = blocks(len(gate)) {
		swigluGradAVX2(&dgate[0], &dup[0], &dy[0], &gate[0], &up[0], n)
		dgate, dup, dy, gate, up = dgate[n:], dup[n:], dy[n:], gate[n:], up[n:]
	}
	if len(gate) > 0 {
		var dg, du, d, g, u lanes
		copy(d[:], dy)
		copy(g[:], gate)
		copy(u[:], up)
		swigluGradAVX2(&dg[0], &du[0], &d[0], &g[0], &u[0], compute.Lanes)
		copy(dgate, dg[:])
		copy(dup, du[:])
	}
}

// widenBlocks is widenHalf on the first elements and returns how many: all, if there is a whole block. The last block
// may overlap the one before.
func widenBlocks(dst []float32, src []uint16) (done int) {
	src = src[:len(dst)]
	for n := blocks(len(dst)); n > 0; n = blocks(len(dst) - done) {
		widenAVX2(&dst[done], &src[done], n)
		done += n
	}
	if left := len(dst) - compute.Lanes; left >= 0 && done < len(dst) {
		widenAVX2(&dst[left], &src[left], compute.Lanes)
		done = len(dst)
	}
	return done
}

// halveBlocks is halfOf in the same way.
func halveBlocks(dst []uint16, src []float32) (done int) {
	src = src[:len(dst)]
	for n := blocks(len(dst)); n > 0; n = blocks(len(dst) - done) {
		halveAVX2(&dst[done], &src[done], n)
		done += n
	}
	if left := len(dst) - compute.Lanes; left >= 0 && done < len(dst) {
		halveAVX2(&dst[left], &src[left], compute.Lanes)
		done = len(dst)
	}
	return done
}
