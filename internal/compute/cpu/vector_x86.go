//go:build amd64 && !noasm

package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// The functions here do in assembly what the portable loop of their caller does, who asks for them only where the kernel
// set has them. Both give the same bits: nothing is fused.

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
