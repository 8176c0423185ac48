//go:build amd64 && !noasm

package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// The functions here do rows of exponentials. The last elements, less than a block, are worked on in a copy: one by one
// they would take longer than all the blocks of a short row.

// expBlocks replaces x by e^((x-sub)·scale) and adds it to sums.
func (k *kernel) expBlocks(x []float32, sub, scale float32, sums *lanes) {
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		k.expLanes(&x[0], n, sub, scale, &sums[0])
		x = x[n:]
	}
	if len(x) > 0 {
		var last, e lanes
		copy(last[:], x)
		k.expLanes(&last[0], compute.Lanes, sub, scale, &e[0])
		copy(x, last[:])
		sums.addFirst(&e, len(x))
	}
}

// statBlocks adds e^d, e^d·d and e^2d for d = (x-sub)·scale, clamped to faintest.
func (k *kernel) statBlocks(x []float32, sub, scale float32, e, ed, ee *lanes) {
	for n := blocks(len(x)); n > 0; n = blocks(len(x)) {
		k.statLanes(&x[0], n, sub, scale, &e[0], &ed[0], &ee[0])
		x = x[n:]
	}
	if len(x) > 0 {
		var last, e1, ed1, ee1 lanes
		copy(last[:], x)
		k.statLanes(&last[0], compute.Lanes, sub, scale, &e1[0], &ed1[0], &ee1[0])
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
func (k *kernel) statGradBlocks(z []float32, s *gradScalars) {
	for n := blocks(len(z)); n > 0; n = blocks(len(z)) {
		k.statGradLanes(&z[0], n, &s[0])
		z = z[n:]
	}
	if len(z) > 0 {
		var last lanes
		copy(last[:], z)
		k.statGradLanes(&last[0], compute.Lanes, &s[0])
		copy(z, last[:])
	}
}

// swigluBlocks is swigluGeneric.
func (k *kernel) swigluBlocks(y, gate, up []float32) {
	gate, up = gate[:len(y)], up[:len(y)]
	for n := blocks(len(y)); n > 0; n = blocks(len(y)) {
		k.swigluLanes(&y[0], &gate[0], &up[0], n)
		y, gate, up = y[n:], gate[n:], up[n:]
	}
	if len(y) > 0 {
		var g, u lanes
		copy(g[:], gate)
		copy(u[:], up)
		k.swigluLanes(&g[0], &g[0], &u[0], compute.Lanes)
		copy(y, g[:])
	}
}

// swigluGradBlocks is swigluGradGeneric.
func (k *kernel) swigluGradBlocks(dgate, dup, dy, gate, up []float32) {
	dgate, dup, dy, up = dgate[:len(gate)], dup[:len(gate)], dy[:len(gate)], up[:len(gate)]
	for n := blocks(len(gate)); n > 0; n = blocks(len(gate)) {
		k.swigluGradLanes(&dgate[0], &dup[0], &dy[0], &gate[0], &up[0], n)
		dgate, dup, dy, gate, up = dgate[n:], dup[n:], dy[n:], gate[n:], up[n:]
	}
	if len(gate) > 0 {
		var dg, du, d, g, u lanes
		copy(d[:], dy)
		copy(g[:], gate)
		copy(u[:], up)
		k.swigluGradLanes(&dg[0], &du[0], &d[0], &g[0], &u[0], compute.Lanes)
		copy(dgate, dg[:])
		copy(dup, du[:])
	}
}

// The exponentials come in two widths. Calls through function values would make every row of sums escape.

func (k *kernel) expLanes(x *float32, n int, sub, scale float32, sums *float32) {
	if k.wide {
		expLanesAVX512(x, n, sub, scale, sums)
	} else {
		expLanesAVX2(x, n, sub, scale, sums)
	}
}

func (k *kernel) statLanes(x *float32, n int, sub, scale float32, e, ed, ee *float32) {
	if k.wide {
		statLanesAVX512(x, n, sub, scale, e, ed, ee)
	} else {
		statLanesAVX2(x, n, sub, scale, e, ed, ee)
	}
}

func (k *kernel) statGradLanes(z *float32, n int, s *float32) {
	if k.wide {
		statGradAVX512(z, n, s)
	} else {
		statGradAVX2(z, n, s)
	}
}

func (k *kernel) swigluLanes(y, gate, up *float32, n int) {
	if k.wide {
		swigluAVX512(y, gate, up, n)
	} else {
		swigluAVX2(y, gate, up, n)
	}
}

func (k *kernel) swigluGradLanes(dgate, dup, dy, gate, up *float32, n int) {
	if k.wide {
		swigluGradAVX512(dgate, dup, dy, gate, up, n)
	} else {
		swigluGradAVX2(dgate, dup, dy, gate, up, n)
	}
}
