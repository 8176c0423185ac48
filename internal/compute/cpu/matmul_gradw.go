package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// MatMulGradW computes dW[n,k] += Σ_r dy[r,n]·x[r,k], r ascending, straight into the packed layout: a tile's rows are
// k's, its columns a panel of n's. In bf16 the terms of a sum are pairs of rows, and a run of odd length ends with a
// pair whose second row is zeros.
func (b *Backend) MatMulGradW(dw compute.Weight, dy, x compute.Buf, runs []int) {
	rows := 0
	for _, n := range runs {
		rows += n
	}
	t := &b.mulW
	dw.Half = nil
	*t = mulGradWTask{
		b: b, dw: dw, data: f32(dw.Data), pairs: b.bf16, starts: t.starts[:0],
		dy: rowsOf("gradient dy", dy, rows, dw.N), x: rowsOf("gradient x", x, rows, dw.K),
	}
	t.steps(runs)
	t.grid = gradWSides.grid(gradWColumns, dw.K, panels(dw.N), gemmWork(dw, rows), b.threads)
	b.each(t.grid.units(), t)
	*t = mulGradWTask{starts: t.starts}
}

// gradWBlock is the most terms of a sum whose rows are packed at once.
const gradWBlock = 512

// gradWColumns is the most columns of x that are packed at once, 1.3 MB with gradWBlock terms, read at 2 bytes a cycle.
// Fewer would mean packing dy more often.
const gradWColumns = 44 * maxTileRows

// gradWSides is what a unit of MatMulGradW prepares: rows of x and of dy, copied.
var gradWSides = sides{row: 6, panel: 64}

// mulGradWTask is a call of MatMulGradW.
type mulGradWTask struct {
	b     *Backend
	dw    compute.Weight
	data  []float32
	dy, x rowSide
	pairs bool
	// starts has the row of each term. Of pairs it is the first row, or -1 minus the row that has no second.
	starts []int32
	grid   grid
}

// steps lists the terms of the sums.
func (t *mulGradWTask) steps(runs []int) {
	step := 1
	if t.pairs {
		step = 2
	}
	first := 0
	for _, n := range runs {
		for r := first; r < first+n; r += step {
			start := int32(r)
			if r+step > first+n {
				start = -1 - start
			}
			t.starts = append(t.starts, start)
		}
		first += n
	}
}

func (t *mulGradWTask) piece(worker, i int) {
	k0, k1, p0, p1 := t.grid.unit(i)
	block := min(len(t.starts), gradWBlock)
	width := copyStride(k1 - k0)
	scratch := t.b.scratchFor(worker, block*(width+2*panel))
	left, right := scratch[:block*width], scratch[block*width:]
	for s0 := 0; s0 < len(t.starts); s0 += gradWBlock {
		starts := t.starts[s0:min(s0+gradWBlock, len(t.starts))]
		t.packLeft(left, width, starts, k0, k1)
		for q := p0; q < p1; q += 2 {
			c := product{a: left, rs: 1, cs: width, ldc: panel, m: k1 - k0, kc: len(starts), load: true, pairs: t.pairs}
			c.c0, c.b0 = t.data[(q*t.dw.K+k0)*panel:], right[:block*panel]
			if q+1 < p1 {
				c.c1, c.b1 = t.data[((q+1)*t.dw.K+k0)*panel:], right[block*panel:]
			}
			t.packRight(c.b0, c.b1, starts, q)
			t.b.kernel.run(c)
		}
	}
	if p1*panel > t.dw.N { // 0·Inf in a padding output is NaN; padding holds 0
		clearPadding(t.data[((p1-1)*t.dw.K+k0)*panel:][:(k1-k0)*panel], t.dw.N%panel)
	}
}

// packLeft writes the columns [k0, k1) of the terms' rows of x to rows of dst, stride apart.
func (t *mulGradWTask) packLeft(dst []float32, stride int, starts []int32, k0, k1 int) {
	for i, start := range starts {
		to := dst[i*stride:][:k1-k0]
		if t.pairs {
			t.x.pair(t.b.kernel, to, start, 1, k0, k1)
		} else {
			copy(to, t.x.f[rowOf(start)*t.x.width+k0:])
		}
	}
}

// packRight writes the columns of panel q of the terms' rows of dy to first [terms][16], and those of the next panel to
// second unless it is nil. Columns that dy doesn't have are zeros.
func (t *mulGradWTask) packRight(first, second []float32, starts []int32, q int) {
	if t.pairs {
		t.packPairs(first, starts, q)
		if second != nil {
			t.packPairs(second, starts, q+1)
		}
		return
	}
	var row [2 * panel]float32
	from, to := q*panel, min((q+2)*panel, t.dy.width)
	if second == nil {
		to = min(to, (q+1)*panel)
	}
	for i, start := range starts {
		if at := t.dy.f[rowOf(start)*t.dy.width:]; to-from == 2*panel {
			row = [2 * panel]float32(at[from:])
		} else {
			copy(row[:to-from], at[from:])
		}
		*(*[panel]float32)(first[i*panel:]) = [panel]float32(row[:panel])
		if second != nil {
			*(*[panel]float32)(second[i*panel:]) = [panel]float32(row[panel:])
		}
	}
}

// packPairs is packRight of one panel of pairs: terms whose rows follow each other in one call.
func (t *mulGradWTask) packPairs(dst []float32, starts []int32, q int) {
	from, to := q*panel, min((q+1)*panel, t.dy.width)
	for i := 0; i < len(starts); {
		n := 1
		for to-from == panel && starts[i] >= 0 && i+n < len(starts) && starts[i+n] == starts[i]+int32(2*n) {
			n++
		}
		t.dy.pair(t.b.kernel, dst[i*panel:][:n*(to-from)], starts[i], n, from, to)
		if to-from < panel {
			clear(dst[i*panel+to-from:][:panel-to+from])
		}
		i += n
	}
}

func rowOf(start int32) int {
	if start < 0 {
		return int(-1 - start)
	}
	return int(start)
}

func clearPadding(data []float32, used int) {
	for ; len(data) > 0; data = data[panel:] {
		clear(data[used:panel])
	}
}

// rowSide is a matrix of rows of width numbers.
type rowSide struct {
	f     []float32
	h     []uint16
	width int
}

func rowsOf(what string, x compute.Buf, rows, width int) rowSide {
	v := x.(*buf)
	mustHold(what, v, rows, width)
	return rowSide{v.f, v.h, width}
}

// pair writes the columns [c0, c1) of n pairs of rows, from the start of the first on.
func (s *rowSide) pair(k *kernel, dst []float32, start int32, n, c0, c1 int) {
	at := rowOf(start) * s.width
	if s.h != nil {
		var second []uint16
		if start >= 0 {
			second = s.h[at+s.width+c0:]
		}
		k.pairHalves(dst, s.h[at+c0:], second, c1-c0, n, 2*s.width)
		return
	}
	var second []float32
	if start >= 0 {
		second = s.f[at+s.width+c0:]
	}
	k.pairRows(dst, s.f[at+c0:], second, c1-c0, n, 2*s.width)
}
