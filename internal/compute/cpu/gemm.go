package cpu

import "math"

const (
	// kBlock is the most terms of a sum that one tile adds: under 100 µs even on slow cores, since assembly can't be
	// preempted.
	kBlock = 2048
	// callSteps is about the most terms of all tiles of a call: 130 µs at 112 GFLOP/s.
	callSteps = 8 * kBlock
	// blockFloats is the size of the block of the left matrix that is used again and again: half of a 1 MB L2.
	blockFloats = 128 << 10
	// minBlockRows and maxBlockRows bound its rows, multiples of the tile's.
	minBlockRows, maxBlockRows = 4 * maxTileRows, 20 * maxTileRows

	// l1Sets and l1Ways are those of a 32 KB first-level cache, l1Line its line in floats.
	l1Sets, l1Ways, l1Line = 64, 8, 16

	// pieceWork is the least work that is worth a piece of its own, in multiply-adds: about 5 µs.
	pieceWork = 1 << 18
	// streamRows is the number of rows below which a product takes the time of reading the weights from memory.
	streamRows = 8
)

// grid cuts an output of rows by columns-in-panels into units that the threads take one by one.
type grid struct {
	rows, rowBlock, rowBlocks int
	cols, colBlock, colBlocks int // in panels
}

// newGrid chooses blocks: rows such that a block of kc terms stays in the second-level cache, then pairs of panels
// until there are enough units for the threads. work is the number of multiply-adds.
func newGrid(rows, cols, kc, work, threads int) grid {
	return newGridOf(blockRows(kc), rows, cols, work, threads)
}

// blockRows is how many rows of kc terms stay in the second-level cache.
func blockRows(kc int) int { return min(max(blockFloats/max(kc, 1), minBlockRows), maxBlockRows) }

// newGridOf is newGrid with at most most rows in a block.
func newGridOf(most, rows, cols, work, threads int) grid {
	if rows == 0 || cols == 0 {
		return grid{}
	}
	g := grid{rows: rows, cols: cols}
	g.setRows(ceilDiv(rows, most))
	units := 1
	if threads > 1 {
		units = max(1, min(threads*piecesPerThread, work/pieceWork))
	}
	pairs := ceilDiv(cols, 2)
	g.colBlocks = min(pairs, ceilDiv(units, g.rowBlocks))
	g.colBlock = 2 * evenStep(pairs, ceilDiv(pairs, g.colBlocks), g.rowBlocks, threads)
	g.colBlocks = ceilDiv(cols, g.colBlock)
	if want := ceilDiv(units, g.colBlocks); want > g.rowBlocks {
		g.setRows(min(want, ceilDiv(rows, minBlockRows)))
	}
	return g
}

// sides is what it costs to prepare a row and a panel for one term of a sum, in multiply-adds. A unit prepares all of
// its own.
type sides struct{ row, panel int }

// grid is newGridOf for products that prepare their sides: of all ways to cut, the one whose busiest thread has the
// least to do.
func (s sides) grid(most, rows, cols, work, threads int) grid {
	best := newGridOf(most, rows, cols, work, 1)
	if threads == 1 || best.units() == 0 {
		return best
	}
	least := math.MaxInt
	units := max(1, min(threads*piecesPerThread, work/pieceWork))
	for rowBlocks := best.rowBlocks; rowBlocks <= max(best.rowBlocks, ceilDiv(rows, minBlockRows)); rowBlocks++ {
		g := grid{rows: rows, cols: cols}
		g.setRows(rowBlocks)
		for pairs := ceilDiv(cols, 2); pairs > 0; pairs-- {
			g.colBlock = 2 * pairs
			g.colBlocks = ceilDiv(cols, g.colBlock)
			if g.units() > units {
				break
			}
			busiest := ceilDiv(g.units(), threads) * (g.rowBlock*g.colBlock*panel + g.rowBlock*s.row + g.colBlock*s.panel)
			if busiest < least {
				best, least = g, busiest
			}
		}
	}
	return best
}

// evenStep is the largest step up to most that cuts n into as many blocks for each thread, or most when there is none.
func evenStep(n, most, rowBlocks, threads int) int {
	for step := most; step > 0; step-- {
		if ceilDiv(n, step)*rowBlocks%threads == 0 && n%step == 0 {
			return step
		}
	}
	return most
}

func (g *grid) setRows(blocks int) {
	g.rowBlock = ceilDiv(ceilDiv(g.rows, max(1, blocks)), maxTileRows) * maxTileRows
	g.rowBlocks = ceilDiv(g.rows, g.rowBlock)
}

func (g *grid) units() int { return g.rowBlocks * g.colBlocks }

// unit gives the rows and panels of unit i. Neighbours share their rows.
func (g *grid) unit(i int) (r0, r1, p0, p1 int) {
	r0 = i / g.colBlocks * g.rowBlock
	p0 = i % g.colBlocks * g.colBlock
	return r0, min(r0+g.rowBlock, g.rows), p0, min(p0+g.colBlock, g.cols)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// left is a block of rows on the left side of a product.
type left struct {
	a      []float32
	stride int
}

// leftBlock gives x[r0:r1, k0:k1] of a matrix with the given row stride. Where the rows of a tile would push each
// other out of the first-level cache it is a copy in scratch, which then holds leftScratch elements.
func leftBlock(x []float32, stride, r0, r1, k0, k1 int, scratch []float32) left {
	if !rowsCollide(stride, min(r1-r0, maxTileRows)) {
		return left{x[r0*stride+k0:], stride}
	}
	to := copyStride(k1 - k0)
	for r := r0; r < r1; r++ {
		copy(scratch[(r-r0)*to:][:k1-k0], x[r*stride+k0:])
	}
	return left{scratch, to}
}

func leftScratch(rows, kc int) int { return rows * copyStride(kc) }

// copyStride is an odd number of cache lines, so that neighbouring rows lie in different sets.
func copyStride(kc int) int { return (ceilDiv(kc, l1Line) | 1) * l1Line }

// rowsCollide says whether more than half of a cache set would go to the lines at one column of these rows.
func rowsCollide(stride, rows int) bool {
	var used [l1Sets]uint8
	for r := range rows {
		set := r * stride / l1Line % l1Sets
		used[set]++
		if used[set] > l1Ways/2 {
			return true
		}
	}
	return false
}

// scratchFor gives a worker n floats of unknown content, valid until its next call.
func (b *Backend) scratchFor(worker, n int) []float32 {
	b.scratch[worker] = b.grown(b.scratch[worker], n)
	return b.scratch[worker]
}
