//go:build amd64 && !noasm

package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// The functions here do the whole blocks of 16 of a row in assembly and leave the rest to the portable loop of their
// caller, who asks for them only where the kernel set has them. Both give the same bits: nothing is fused.

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

// expBlocks replaces x by e^((x-sub)·scale), adds it to sums, and returns what is left of x.
func expBlocks(x []float32, sub, scale float32, sums *lanes) []float32 {
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		expLanesAVX2(&x[0], n, sub, scale, &sums[0])
		x = x[n:]
	}
	return x
}

// statBlocks adds e^d, e^d·d and e^2d for d = (x-sub)·scale, clamped to faintest, and returns what is left of x.
func statBlocks(x []float32, sub, scale float32, e, ed, ee *lanes) []float32 {
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		statLanesAVX2(&x[0], n, sub, scale, &e[0], &ed[0], &ee[0])
		x = x[n:]
	}
	return x
}

// swigluBlocks is swigluGeneric on the first elements and returns how many.
func swigluBlocks(y, gate, up []float32) (done int) {
	gate, up = gate[:len(y)], up[:len(y)]
	for n := blocks(len(y)); n > 0; n = blocks(len(y) - done) {
		swigluAVX2(&y[done], &gate[done], &up[done], n)
		done += n
	}
	return done
}

// swigluGradBlocks is swigluGradGeneric on the first elements and returns how many.
func swigluGradBlocks(dgate, dup, dy, gate, up []float32) (done int) {
	dgate, dup, dy, up = dgate[:len(gate)], dup[:len(gate)], dy[:len(gate)], up[:len(gate)]
	for n := blocks(len(gate)); n > 0; n = blocks(len(gate) - done) {
		swigluGradAVX2(&dgate[done], &dup[done], &dy[done], &gate[done], &up[done], n)
		done += n
	}
	return done
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
