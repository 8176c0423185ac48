package cpu

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// MatMul computes y[r,n] = Σ_k x[r,k]·W[n,k], or y += … when add is true.
func (b *Backend) MatMul(y, x compute.Buf, w compute.Weight, rows int, add bool) {
	b.muls.add(b, y, x, w, rows, add)
	b.muls.run(b)
}

// MatMuls computes y[i] = x·w[i]ᵀ. The threads go from one product to the next without waiting for each other.
func (b *Backend) MatMuls(y []compute.Buf, x compute.Buf, w []compute.Weight, rows int) {
	for i := range w {
		b.muls.add(b, y[i], x, w[i], rows, false)
	}
	b.muls.run(b)
}

// mulTasks is a call of several products.
type mulTasks struct {
	all   []mulTask
	units int
}

func (t *mulTasks) add(b *Backend, y, x compute.Buf, w compute.Weight, rows int, add bool) {
	one := mulTask{b: b, out: outputs("matmul y", y, rows, w.N), in: inputs("matmul x", x, rows, w.K, w.Half != nil), add: add}
	one.right, one.steps = b.rightSide(w, w.K)
	one.block = min(one.steps, kBlock)
	one.grid = newGrid(rows, panels(w.N), max(one.block, 1), gemmWork(w, rows), b.threads)
	t.all = append(t.all, one)
	t.units += one.grid.units()
}

func (t *mulTasks) run(b *Backend) {
	b.each(t.units, t)
	clear(t.all)
	t.all, t.units = t.all[:0], 0
}

func (t *mulTasks) piece(worker, i int) {
	k := 0
	for ; i >= t.all[k].grid.units(); k++ {
		i -= t.all[k].grid.units()
	}
	t.all[k].piece(worker, i)
}

// rightSide gives a weight as the products of this backend read it, and how many terms a sum over n numbers has.
func (b *Backend) rightSide(w compute.Weight, n int) (data []float32, steps int) {
	if w.Half != nil {
		return asPairs(w.Half.(*buf).h), pairs(n)
	}
	return f32(w.Data), n
}

// mulTask is one product.
type mulTask struct {
	b            *Backend
	out          outputSide
	in           inputSide
	right        []float32 // panels of [steps][16]
	steps, block int       // terms of a sum, and of one tile call
	add          bool
	grid         grid
}

func (t *mulTask) piece(worker, i int) {
	r0, r1, p0, p1 := t.grid.unit(i)
	rows := r1 - r0
	scratch := t.b.scratchFor(worker, leftScratch(rows, t.block)+t.out.scratch(rows, p1-p0, t.steps > t.block))
	to := t.out.at(r0, r1, p0, p1, t.steps > t.block, scratch[leftScratch(rows, t.block):])
	var x left
	for have := -1; to.next(); {
		to.begin(t.b.kernel, t.add)
		for s0 := 0; s0 < t.steps || s0 == 0; s0 += kBlock {
			s1 := min(s0+kBlock, t.steps)
			if s0 != have {
				x, have = t.in.block(t.b.kernel, r0, r1, s0, s1, scratch), s0
			}
			p := product{a: x.a, rs: x.stride, cs: 1, kc: s1 - s0, load: t.add || s0 > 0, pairs: t.in.pairs}
			for q := to.p0; q < to.p1; q += 2 {
				p.b0, p.b1 = t.right[(q*t.steps+s0)*panel:], nil
				if q+1 < to.p1 {
					p.b1 = t.right[((q+1)*t.steps+s0)*panel:]
				}
				to.run(t.b.kernel, q, p)
			}
		}
		to.end(t.b.kernel)
	}
}

// gemmWork is the cost of a product in multiply-adds.
func gemmWork(w compute.Weight, rows int) int { return max(rows, streamRows) * w.N * w.K }

// MatMulGradX computes dx[r,k] = Σ_n dy[r,n]·W[n,k], or dx += … when add is true. Blocks of W are transposed on the
// way: panels of 16 k's by n.
func (b *Backend) MatMulGradX(dx, dy compute.Buf, w compute.Weight, rows int, add bool) {
	t := &b.mulX
	*t = mulGradXTask{b: b, w: w, out: outputs("gradient dx", dx, rows, w.K), in: inputs("gradient dy", dy, rows, w.N, w.Half != nil), add: add}
	t.right, t.steps = b.rightSide(w, w.N)
	t.block = min(t.steps, gradXBlock)
	t.grid = gradXSides.grid(blockRows(t.block), rows, panels(w.K), gemmWork(w, rows), b.threads)
	b.each(t.grid.units(), t)
	*t = mulGradXTask{}
}

// gradXBlock is the most terms of a sum whose part of W is transposed at once; a multiple of 16.
const gradXBlock = 512

// gradXSides is what a unit of MatMulGradX prepares: rows of dy, most of them from memory, and a transposed W.
var gradXSides = sides{row: 20, panel: 800}

// mulGradXTask is a call of MatMulGradX.
type mulGradXTask struct {
	b            *Backend
	w            compute.Weight
	out          outputSide
	in           inputSide
	right        []float32
	steps, block int
	add          bool
	grid         grid
}

func (t *mulGradXTask) piece(worker, i int) {
	r0, r1, p0, p1 := t.grid.unit(i)
	rows, packed := r1-r0, panels(t.block)*panel*panel
	many := t.steps > t.block
	scratch := t.b.scratchFor(worker, 2*packed+leftScratch(rows, t.block)+t.out.scratch(rows, p1-p0, many))
	pack, scratch := scratch[:2*packed], scratch[2*packed:]
	to := t.out.at(r0, r1, p0, p1, many, scratch[leftScratch(rows, t.block):])
	var dy left
	for have := -1; to.next(); {
		to.begin(t.b.kernel, t.add)
		for s0 := 0; s0 < t.steps || s0 == 0; s0 += gradXBlock {
			s1 := min(s0+gradXBlock, t.steps)
			if s0 != have {
				dy, have = t.in.block(t.b.kernel, r0, r1, s0, s1, scratch), s0
			}
			p := product{a: dy.a, rs: dy.stride, cs: 1, kc: s1 - s0, load: t.add || s0 > 0, pairs: t.in.pairs}
			for q := to.p0; q < to.p1; q += 2 {
				p.b0, p.b1 = pack[:packed], nil
				t.transpose(p.b0, q, s0, s1)
				if q+1 < to.p1 {
					p.b1 = pack[packed:]
					t.transpose(p.b1, q+1, s0, s1)
				}
				to.run(t.b.kernel, q, p)
			}
		}
		to.end(t.b.kernel)
	}
}

func (t *mulGradXTask) transpose(dst []float32, q, s0, s1 int) {
	if t.in.pairs {
		t.b.packTransposedPairs(dst, t.right, t.w.K, q, s0, s1)
	} else {
		t.b.packTransposed(dst, t.right, t.w.K, q, s0, s1)
	}
}

// packTransposedPairs writes dst[(s-s0)·16+j] = (W[2s, 16q+j], W[2s+1, 16q+j]) for s in [s0, s1), 0 where 16q+j >= K.
// s0 is a multiple of 16.
func (b *Backend) packTransposedPairs(dst, data []float32, kdim, q, s0, s1 int) {
	width := pairs(kdim)
	first, last := 2*s0/panel, ceilDiv(2*s1, panel)
	if (q+1)*panel <= kdim {
		b.kernel.transposePairs(dst, data[(first*width+q*panel/2)*panel:], width*panel, last-first)
		return
	}
	to := asHalves(dst[:(last-first)*panel*panel/2])
	clear(to)
	for p := first; p < last; p++ {
		for k := q * panel; k < kdim; k++ {
			for j, v := range data[(p*width+k/2)*panel:][:panel] {
				n := (p-first)*panel + j
				to[(n/2*panel+k-q*panel)*2+n%2] = uint16(math.Float32bits(v) >> (16 * (k % 2)))
			}
		}
	}
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
