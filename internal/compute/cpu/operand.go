package cpu

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// inputSide is the left side of a product, rows of width numbers, and whether the product takes pairs.
type inputSide struct {
	f     []float32
	h     []uint16
	width int
	pairs bool
}

// inputs checks that a buffer holds rows·width numbers. Products of numbers can't read bf16.
func inputs(what string, x compute.Buf, rows, width int, pairs bool) inputSide {
	v := x.(*buf)
	mustHold(what, v, rows, width)
	if v.h != nil && !pairs {
		panic(fmt.Sprintf("cpu: %s: bf16 numbers, want float32 as the weight", what))
	}
	return inputSide{f: v.f, h: v.h, width: width, pairs: pairs}
}

// block gives the terms [s0, s1) of the rows [r0, r1): in place where a tile can walk them, else in scratch, which
// holds leftScratch elements.
func (s *inputSide) block(k *kernel, r0, r1, s0, s1 int, scratch []float32) left {
	if !s.pairs {
		return leftBlock(s.f, s.width, r0, r1, s0, s1, scratch)
	}
	if s.h != nil && s.width%2 == 0 {
		return leftBlock(asPairs(s.h), s.width/2, r0, r1, s0, s1, scratch)
	}
	stride := copyStride(s1 - s0)
	from, to := 2*s0, min(2*s1, s.width)
	for r := r0; r < r1; r++ {
		dst := asHalves(scratch[(r-r0)*stride:][:s1-s0])
		dst[len(dst)-1] = 0
		if s.h != nil {
			copy(dst, s.h[r*s.width:][from:to])
		} else {
			k.halve(dst[:to-from], s.f[r*s.width:][from:to])
		}
	}
	return left{scratch, stride}
}

// outputSide is where a product goes, rows of width numbers.
type outputSide struct {
	f     []float32
	h     []uint16
	width int
}

func outputs(what string, y compute.Buf, rows, width int) outputSide {
	v := y.(*buf)
	mustHold(what, v, rows, width)
	return outputSide{f: v.f, h: v.h, width: width}
}

// scratch is the number of floats that [outputSide.at] needs for a unit. many says that its sums take several tile
// calls.
func (o *outputSide) scratch(rows, cols int, many bool) int {
	switch {
	case o.h == nil:
		return rows * panel // for the last panel of a width that isn't a multiple of 16
	case many:
		return rows * cols * panel
	}
	return rows * 2 * panel
}

// unit is a block of outputs, the rows [r0, r1) of all its panels, that is worked through in parts of some panels
// [p0, p1). Float32 outputs are one part. bf16 outputs have their sums in scratch until they are whole; where a sum is
// one tile call, two panels are a part.
type unit struct {
	out        outputSide
	r0, r1     int
	last, step int // panels
	p0, p1     int
	acc        []float32
}

func (o *outputSide) at(r0, r1, p0, p1 int, many bool, scratch []float32) unit {
	u := unit{out: *o, r0: r0, r1: r1, last: p1, step: p1 - p0, p0: p0, p1: p0, acc: scratch}
	if o.h != nil && !many {
		u.step = 2
	}
	return u
}

// next goes on to the next part.
func (u *unit) next() bool {
	if u.p1 >= u.last {
		return false
	}
	u.p0, u.p1 = u.p1, min(u.p1+u.step, u.last)
	return true
}

// begin makes the part's sums start from what bf16 outputs hold.
func (u *unit) begin(k *kernel, add bool) {
	if u.out.h == nil || !add {
		return
	}
	width, n := u.columns()
	for r := u.r0; r < u.r1; r++ {
		k.widen(u.acc[(r-u.r0)*width:][:n], u.out.h[r*u.out.width+u.p0*panel:][:n])
	}
}

// end rounds the part's sums.
func (u *unit) end(k *kernel) {
	if u.out.h == nil {
		return
	}
	width, n := u.columns()
	k.halveRows(u.out.h[u.r0*u.out.width+u.p0*panel:], u.acc, n, u.r1-u.r0, u.out.width, width)
}

// columns is the row length of the part's sums in scratch, and how many of them are outputs.
func (u *unit) columns() (width, n int) {
	width = (u.p1 - u.p0) * panel
	return width, min(width, u.out.width-u.p0*panel)
}

// run computes panel q of the part, and panel q+1 if p.b1 is set.
func (u *unit) run(k *kernel, q int, p product) {
	p.m = u.r1 - u.r0
	if u.out.h != nil {
		p.ldc, _ = u.columns()
		p.c0 = u.acc[(q-u.p0)*panel:]
		if p.b1 != nil {
			p.c1 = p.c0[panel:]
		}
		k.run(p)
		return
	}
	n := u.out.width
	p.ldc = n
	last := q
	if p.b1 != nil {
		last = q + 1
	}
	if (last+1)*panel <= n {
		p.c0 = u.out.f[u.r0*n+q*panel:]
		if p.b1 != nil {
			p.c1 = p.c0[panel:]
		}
		k.run(p)
		return
	}
	if p.b1 != nil {
		whole := p
		whole.b1 = nil
		u.run(k, q, whole)
		p.b0, p.b1 = p.b1, nil
	}
	u.runLast(k, last, p)
}

// runLast computes a panel that is cut off by the outputs' width.
func (u *unit) runLast(k *kernel, q int, p product) {
	n := u.out.width
	width := n - q*panel
	rows := u.out.f[u.r0*n+q*panel:]
	if p.load {
		clear(u.acc)
		for i := range p.m {
			copy(u.acc[i*panel:], rows[i*n:][:width])
		}
	}
	p.c0, p.ldc = u.acc, panel
	k.run(p)
	for i := range p.m {
		copy(rows[i*n:][:width], u.acc[i*panel:])
	}
}

// mustHold panics unless a buffer has room for rows·width numbers.
func mustHold(what string, v *buf, rows, width int) {
	if rows < 0 || v.Len() < rows*width {
		panic(fmt.Sprintf("cpu: %s: %d elements, want %d×%d", what, v.Len(), rows, width))
	}
}
