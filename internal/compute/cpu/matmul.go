package cpu

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// MatMul computes y[r,n] = Σ_k x[r,k]·W[n,k], or y += … when add is true.
func (b *Backend) MatMul(y, x compute.Buf, w compute.Weight, rows int, add bool) {
	out, in := matrix("matmul y", y, rows, w.N), matrix("matmul x", x, rows, w.K)
	data := f32(w.Data)
	kc := min(w.K, kBlock)
	g := newGrid(rows, panels(w.N), max(kc, 1), gemmWork(w, rows), b.threads)
	b.each(g.units(), taskFunc(func(worker, i int) {
		r0, r1, p0, p1 := g.unit(i)
		scratch := b.scratchFor(worker, leftScratch(r1-r0, kc)+(r1-r0)*panel)
		tail, scratch := scratch[:(r1-r0)*panel], scratch[(r1-r0)*panel:]
		for k0 := 0; k0 < w.K || k0 == 0; k0 += kBlock {
			k1 := min(k0+kBlock, w.K)
			x := leftBlock(in, w.K, r0, r1, k0, k1, scratch)
			t := target{y: out, n: w.N, r0: r0, r1: r1, tail: tail}
			p := product{a: x.a, rs: x.stride, cs: 1, kc: k1 - k0, load: add || k0 > 0}
			for q := p0; q < p1; q += 2 {
				p.b0, p.b1 = data[(q*w.K+k0)*panel:], nil
				if q+1 < p1 {
					p.b1 = data[((q+1)*w.K+k0)*panel:]
				}
				b.runInto(t, q, p)
			}
		}
	}))
}

// gemmWork is the cost of a product in multiply-adds.
func gemmWork(w compute.Weight, rows int) int { return max(rows, streamRows) * w.N * w.K }

// MatMulGradX computes dx[r,k] = Σ_n dy[r,n]·W[n,k], or dx += … when add is true. Blocks of W are transposed on the
// way: panels of 16 k's by n.
func (b *Backend) MatMulGradX(dx, dy compute.Buf, w compute.Weight, rows int, add bool) {
	out, in := matrix("gradient dx", dx, rows, w.K), matrix("gradient dy", dy, rows, w.N)
	data := f32(w.Data)
	const nBlock = 512
	nc := min(w.N, nBlock)
	packed := panels(nc) * panel * panel
	g := newGrid(rows, panels(w.K), max(nc, 1), gemmWork(w, rows), b.threads)
	b.each(g.units(), taskFunc(func(worker, i int) {
		r0, r1, p0, p1 := g.unit(i)
		scratch := b.scratchFor(worker, 2*packed+leftScratch(r1-r0, nc)+(r1-r0)*panel)
		pack, scratch := scratch[:2*packed], scratch[2*packed:]
		tail, scratch := scratch[:(r1-r0)*panel], scratch[(r1-r0)*panel:]
		for n0 := 0; n0 < w.N || n0 == 0; n0 += nBlock {
			n1 := min(n0+nBlock, w.N)
			dy := leftBlock(in, w.N, r0, r1, n0, n1, scratch)
			t := target{y: out, n: w.K, r0: r0, r1: r1, tail: tail}
			p := product{a: dy.a, rs: dy.stride, cs: 1, kc: n1 - n0, load: add || n0 > 0}
			for q := p0; q < p1; q += 2 {
				p.b0, p.b1 = pack[:packed], nil
				b.packTransposed(p.b0, data, w.K, q, n0, n1)
				if q+1 < p1 {
					p.b1 = pack[packed:]
					b.packTransposed(p.b1, data, w.K, q+1, n0, n1)
				}
				b.runInto(t, q, p)
			}
		}
	}))
}

// packTransposed writes dst[(n-n0)·16+j] = W[n, 16q+j] for n in [n0, n1), 0 where 16q+j >= K. n0 is a multiple of 16.
func (b *Backend) packTransposed(dst, data []float32, kdim, q, n0, n1 int) {
	first, last := n0/panel, panels(n1)
	if (q+1)*panel <= kdim {
		b.kernel.transpose16(dst, data[(first*kdim+q*panel)*panel:], kdim*panel, last-first)
		return
	}
	clear(dst[:(last-first)*panel*panel])
	for p := first; p < last; p++ {
		for k := q * panel; k < kdim; k++ {
			for j, v := range data[(p*kdim+k)*panel:][:panel] {
				dst[((p-first)*panel+j)*panel+k-q*panel] = v
			}
		}
	}
}

// MatMulGradW computes dW[n,k] += Σ_r dy[r,n]·x[r,k], r ascending, straight into the packed layout: a tile's rows are
// k's, its columns a panel of n's.
func (b *Backend) MatMulGradW(dw compute.Weight, dy, x compute.Buf, runs []int) {
	rows := total(runs)
	grad, in := matrix("gradient dy", dy, rows, dw.N), matrix("gradient x", x, rows, dw.K)
	data := f32(dw.Data)
	const rBlock = 256
	rc := min(rows, rBlock)
	g := newGrid(dw.K, panels(dw.N), max(rc, 1), gemmWork(dw, rows), b.threads)
	b.each(g.units(), taskFunc(func(worker, i int) {
		k0, k1, p0, p1 := g.unit(i)
		pack := b.scratchFor(worker, 2*rc*panel)
		for q := p0; q < p1; q += 2 {
			c := product{ldc: panel, rs: 1, cs: dw.K, m: k1 - k0, load: true}
			c.c0 = data[(q*dw.K+k0)*panel:]
			if q+1 < p1 {
				c.c1 = data[((q+1)*dw.K+k0)*panel:]
			}
			for r0 := 0; r0 < rows; r0 += rBlock {
				c.kc = min(rBlock, rows-r0)
				c.a = in[r0*dw.K+k0:]
				c.b0 = pack[:rc*panel]
				packColumns(c.b0, grad, dw.N, q, r0, c.kc)
				if c.c1 != nil {
					c.b1 = pack[rc*panel:]
					packColumns(c.b1, grad, dw.N, q+1, r0, c.kc)
				}
				b.kernel.run(c)
			}
		}
		if p1*panel > dw.N { // 0·Inf in a padding output is NaN; padding holds 0
			clearPadding(data[((p1-1)*dw.K+k0)*panel:][:(k1-k0)*panel], dw.N%panel)
		}
	}))
}

func total(runs []int) (rows int) {
	for _, n := range runs {
		rows += n
	}
	return rows
}

// packColumns writes dst[i·16+j] = dy[r0+i, 16q+j], 0 where 16q+j >= n.
func packColumns(dst, dy []float32, n, q, r0, rows int) {
	width := min(panel, n-q*panel)
	for i := range rows {
		src := dy[(r0+i)*n+q*panel:]
		to := (*[panel]float32)(dst[i*panel:])
		if width == panel {
			*to = [panel]float32(src)
			continue
		}
		*to = [panel]float32{}
		copy(to[:], src[:width])
	}
}

func clearPadding(data []float32, used int) {
	for ; len(data) > 0; data = data[panel:] {
		clear(data[used:panel])
	}
}

// target is where a product's panels go: rows [r0, r1) of y [R, n].
type target struct {
	y         []float32
	n, r0, r1 int
	tail      []float32 // scratch for the last panel when n isn't a multiple of 16
}

// runInto computes panel q of y, and panel q+1 if p.b1 is set.
func (b *Backend) runInto(t target, q int, p product) {
	p.m, p.ldc = t.r1-t.r0, t.n
	last := q
	if p.b1 != nil {
		last = q + 1
	}
	if (last+1)*panel <= t.n {
		p.c0 = t.y[t.r0*t.n+q*panel:]
		if p.b1 != nil {
			p.c1 = p.c0[panel:]
		}
		b.kernel.run(p)
		return
	}
	if p.b1 != nil {
		whole := p
		whole.b1 = nil
		b.runInto(t, q, whole)
		p.b0, p.b1 = p.b1, nil
	}
	width := t.n - last*panel
	rows := t.y[t.r0*t.n+last*panel:]
	if p.load {
		clear(t.tail)
		for i := range p.m {
			copy(t.tail[i*panel:], rows[i*t.n:][:width])
		}
	}
	p.c0, p.ldc = t.tail, panel
	b.kernel.run(p)
	for i := range p.m {
		copy(rows[i*t.n:][:width], t.tail[i*panel:])
	}
}

// matrix checks that a buffer holds rows·width elements and gives them.
func matrix(what string, b compute.Buf, rows, width int) []float32 {
	f := f32(b)
	if rows < 0 || len(f) < rows*width {
		panic(fmt.Sprintf("cpu: %s: %d elements, want %d×%d", what, len(f), rows, width))
	}
	return f
}
