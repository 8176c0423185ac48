//go:build amd64 && !noasm

package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// The functions here do in assembly what the portable loop of their caller does, who asks for them only where the kernel
// set has them. Both give the same bits: nothing is fused.

// rowBlock is the most elements of one assembly call, which isn't preemptible: a few µs.
const rowBlock = 4096

// blocks is the length of the next call's part of n elements, 0 when only a part of a block is left.
func blocks(n int) int { return min(n, rowBlock) &^ (compute.Lanes - 1) }

// maxBlocks raises lane i mod 16 of most to x[i].
func maxBlocks(x []float32, most *lanes) {
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		maxLanesAVX2(&x[0], n, &most[0])
		x = x[n:]
	}
	if len(x) > 0 {
		last := *most
		copy(last[:], x)
		maxLanesAVX2(&last[0], compute.Lanes, &most[0])
	}
}

// widenBlocks is widenHalf on every element.
func widenBlocks(dst []float32, src []uint16) {
	src = src[:len(dst)]
	for n := blocks(len(dst)); n > 0; n = blocks(len(dst)) {
		widenAVX2(&dst[0], &src[0], n)
		dst, src = dst[n:], src[n:]
	}
	if len(dst) > 0 {
		var from [compute.Lanes]uint16
		var to lanes
		copy(from[:], src)
		widenAVX2(&to[0], &from[0], compute.Lanes)
		copy(dst, to[:])
	}
}

// halveBlocks is halfOf on every element.
func halveBlocks(dst []uint16, src []float32) {
	src = src[:len(dst)]
	for n := blocks(len(dst)); n > 0; n = blocks(len(dst)) {
		halveAVX2(&dst[0], &src[0], n)
		dst, src = dst[n:], src[n:]
	}
	if len(dst) > 0 {
		var to [compute.Lanes]uint16
		from := rest(src)
		halveAVX2(&to[0], &from[0], compute.Lanes)
		copy(dst, to[:])
	}
}
