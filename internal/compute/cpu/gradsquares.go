package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// GradSquares gives the squared norms of gradients of single runs of rows. With X and Y the run's rows of x and dy, it is
// |Yᵀ·X|² = Σ (X·Xᵀ)∘(Y·Yᵀ): whichever takes fewer products is computed, block by block, and only its squares are kept.
func (b *Backend) GradSquares(dy, x compute.Buf, n, k int, runs []compute.Rows) []float64 {
	t := &gradSquares{b: b, dy: wideRows(dy, n), x: wideRows(x, k)}
	for i, r := range runs {
		rows := r.To - r.From
		if rows <= 0 || n == 0 || k == 0 {
			continue
		}
		mustHold("gradient squares dy", dy.(*buf), r.To, n)
		mustHold("gradient squares x", x.(*buf), r.To, k)
		u := squaresUnit{run: i, rows: r, pairwise: (rows+squaresPair)*(n+k) < 2*n*k}
		last := n
		if u.pairwise {
			last = rows
		}
		for u.at = 0; u.at < last; u.at += squaresPair {
			t.units = append(t.units, u)
		}
	}
	t.sums = make([]float64, len(t.units))
	b.each(len(t.units), t)
	out := make([]float64, len(runs))
	for i, u := range t.units {
		out[u.run] += t.sums[i]
	}
	return out
}

const (
	squaresPair  = 2 * panel // the columns of a unit, two panels
	squaresBlock = 512       // terms or rows that are packed at once
)

// gradSquares is a call of GradSquares. Each unit has a sum of its own, and they are added in order, so the number of
// threads changes no bit.
type gradSquares struct {
	b     *Backend
	dy, x wide
	units []squaresUnit
	sums  []float64
}

// squaresUnit is a strip of 32 columns of the matrix Yᵀ·X (dy's columns), or of the products of pairs of rows.
type squaresUnit struct {
	run      int
	rows     compute.Rows
	pairwise bool
	at       int // first column of the strip
}

func (t *gradSquares) piece(worker, i int) {
	if u := t.units[i]; u.pairwise {
		t.sums[i] = t.pairs(worker, u)
	} else {
		t.sums[i] = t.matrix(worker, u)
	}
}

// pairs sums the products of the strip's rows with the rows from the strip on; those below the diagonal count twice.
func (t *gradSquares) pairs(worker int, u squaresUnit) float64 {
	first := u.rows.From + u.at
	rows := u.rows.To - first
	stride := copyStride(squaresBlock)
	scratch := t.b.scratchFor(worker, 2*rows*squaresPair+squaresPair*squaresBlock+rows*stride)
	xx, rest := scratch[:rows*squaresPair], scratch[rows*squaresPair:]
	yy, rest := rest[:rows*squaresPair], rest[rows*squaresPair:]
	t.gram(xx, rest, stride, t.x, first, rows)
	t.gram(yy, rest, stride, t.dy, first, rows)
	sum, diagonal := 0.0, 0.0
	for r := range rows {
		for c := range min(r+1, squaresPair) {
			v := float64(xx[r*squaresPair+c]) * float64(yy[r*squaresPair+c])
			if c == r {
				diagonal += v
			} else {
				sum += v
			}
		}
	}
	return 2*sum + diagonal
}

// gram: out[r, c] = Σ_k x[first+r, k]·x[first+c, k], c < 32.   out [rows, 32]
func (t *gradSquares) gram(out, scratch []float32, stride int, x wide, first, rows int) {
	panels, left := scratch[:squaresPair*squaresBlock], scratch[squaresPair*squaresBlock:]
	for k0 := 0; k0 < x.width; k0 += squaresBlock {
		k1 := min(k0+squaresBlock, x.width)
		n := k1 - k0
		for r := range rows {
			x.read(t.b.kernel, left[r*stride:][:n], first+r, k0)
		}
		p := product{a: left, rs: stride, cs: 1, kc: n, m: rows, load: k0 > 0, c0: out, ldc: squaresPair, b0: panels[:n*panel]}
		t.across(p.b0, left, stride, 0, rows, n)
		if rows > panel {
			p.c1, p.b1 = out[panel:], panels[squaresBlock*panel:][:n*panel]
			t.across(p.b1, left, stride, panel, rows, n)
		}
		t.b.kernel.run(p)
	}
}

// across writes 16 rows from row r0 on as a panel [n][16]; rows that are not there are zeros.
func (t *gradSquares) across(dst, left []float32, stride, r0, rows, n int) {
	var block [panel * panel]float32
	have := min(panel, rows-r0)
	for k := 0; k < n; k += panel {
		width := min(panel, n-k)
		for r := range have {
			copy(block[r*panel:][:width], left[(r0+r)*stride+k:])
		}
		if width == panel {
			t.b.kernel.transpose16(dst[k*panel:], block[:], 0, 1)
			continue
		}
		for c := range width {
			for r := range panel {
				dst[(k+c)*panel+r] = block[r*panel+c]
			}
		}
	}
}

// matrix sums the squares of the strip's columns of Yᵀ·X.
func (t *gradSquares) matrix(worker int, u squaresUnit) float64 {
	rows, width := u.rows.To-u.rows.From, min(squaresPair, t.dy.width-u.at)
	stride := copyStride(squaresBlock)
	terms := min(rows, squaresBlock)
	scratch := t.b.scratchFor(worker, squaresBlock*squaresPair+terms*(squaresPair+stride))
	out, rest := scratch[:squaresBlock*squaresPair], scratch[squaresBlock*squaresPair:]
	panels, left := rest[:terms*squaresPair], rest[terms*squaresPair:]
	sum := 0.0
	for k0 := 0; k0 < t.x.width; k0 += squaresBlock {
		n := min(squaresBlock, t.x.width-k0)
		for r0 := 0; r0 < rows; r0 += terms {
			m := min(terms, rows-r0)
			first := u.rows.From + r0
			t.columns(panels[:terms*panel], first, m, u.at, min(panel, width))
			p := product{a: left, rs: 1, cs: stride, kc: m, m: n, load: r0 > 0, c0: out, ldc: squaresPair, b0: panels[:m*panel]}
			if width > panel {
				p.c1, p.b1 = out[panel:], panels[terms*panel:][:m*panel]
				t.columns(p.b1, first, m, u.at+panel, width-panel)
			}
			for r := range m {
				t.x.read(t.b.kernel, left[r*stride:][:n], first+r, k0)
			}
			t.b.kernel.run(p)
		}
		if width <= panel {
			for r := range n {
				s, _ := t.b.kernel.sumSquares(out[r*squaresPair:][:panel], nil)
				sum += s
			}
			continue
		}
		s, _ := t.b.kernel.sumSquares(out[:n*squaresPair], nil)
		sum += s
	}
	return sum
}

// columns writes width columns of m rows of dy as a panel [m][16], with zeros in the columns that are not there.
func (t *gradSquares) columns(dst []float32, first, m, at, width int) {
	for r := range m {
		row := dst[r*panel:][:panel]
		t.dy.read(t.b.kernel, row[:width], first+r, at)
		clear(row[width:])
	}
}

// wide reads rows of float32 or bf16 numbers as float32.
type wide struct {
	f     []float32
	h     []uint16
	width int
}

func wideRows(x compute.Buf, width int) wide {
	v := x.(*buf)
	return wide{v.f, v.h, width}
}

func (w wide) read(k *kernel, dst []float32, r, from int) {
	at := r*w.width + from
	if w.h != nil {
		k.widen(dst, w.h[at:][:len(dst)])
		return
	}
	copy(dst, w.f[at:])
}
