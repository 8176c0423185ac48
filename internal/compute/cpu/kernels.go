package cpu

// The assembly is written by the module in _asm and checked in; `go generate` here writes it again, offline once the
// modules are in the cache.
//
//go:generate go run -C _asm . -group tiles -out ../tiles_amd64.s -stubs ../tiles_amd64.go -pkg cpu
//go:generate go run -C _asm . -group rows -out ../rows_amd64.s -stubs ../rows_amd64.go -pkg cpu
//go:generate go run -C _asm . -group peak -out ../bench_peak_amd64.s -stubs ../bench_peak_amd64.go -pkg cpu

// maxTileRows is the number of rows of the largest tile in any instruction set.
const maxTileRows = 14

// tileFunc multiplies some tiles below each other, each of a fixed number of rows, by one or two panels; see product
// for the meaning of the other arguments. Strides count elements. It isn't preemptible, so kc is at most kBlock, and
// tiles·kc about callSteps.
type tileFunc func(c0, c1 *float32, ldc int, a *float32, rs, cs int, b0, b1 *float32, kc int, load bool, tiles int)

// kernel is one instruction set's way to multiply.
type kernel struct {
	name string
	// numbers and pairs are empty in the portable set.
	numbers, pairs tileSet
	transpose      func(dst, src *float32, srcStep, blocks int)                    // nil: the loop of transpose16
	flipPairs      func(dst, src *float32, srcStep, blocks int)                    // nil: the loop of transposePairs
	rowPairs       func(dst, a, b *float32, n, count, step int)                    // nil: the loop of pairRows
	halfPairs      func(dst *float32, a, b *uint16, n, count, step int)            // nil: the loop of pairHalves
	rowHalves      func(dst *uint16, src *float32, n, count, dstStep, srcStep int) // nil: row by row
	vector         bool                                                            // the row kernels of vector_x86.go
	wide           bool                                                            // exponentials of 512 bits
}

// tileSet holds the tiles for one and two panels.
type tileSet struct{ one, two tiles }

// tiles holds some by their number of rows, nil where there is none. Those of fewer than least rows wait for their own
// sums: a product's last rows are not left to them if it can be cut otherwise.
type tiles struct {
	by    [maxTileRows + 1]tileFunc
	least int
}

// upTo is the number of rows of the largest tile with at most that many, 0 if there is none.
func (t *tiles) upTo(rows int) int {
	rows = min(rows, maxTileRows)
	for rows > 0 && t.by[rows] == nil {
		rows--
	}
	return rows
}

// cut begins to cut rows into tiles: n of them of this height come first.
func (t *tiles) cut(rows int) (height, n int) {
	height = t.upTo(rows)
	n = rows / height
	switch rest := rows % height; {
	case rest == 0 || rest >= t.least || rows <= t.least:
	case n > 1:
		n--
	default:
		height = t.upTo(rows - t.least)
	}
	return height, n
}

// product is c += a·b for m rows and one or two panels of 16 columns:
//
//	c0[i·ldc+j] = (load ? c0[i·ldc+j] : 0) + Σ_k a[i·rs+k·cs]·b0[k·16+j],   k ascending, 0 <= j < 16
//
// and the same for c1 and b1 unless they are nil. The elements of a and b may be pairs of bf16 numbers.
type product struct {
	c0, c1 []float32
	ldc    int
	a      []float32
	rs, cs int
	b0, b1 []float32
	m, kc  int
	load   bool
	pairs  bool
}

// run computes a product tile by tile. An element's bits don't depend on the tile it falls into.
func (k *kernel) run(p product) {
	if p.m <= 0 {
		return
	}
	set := &k.numbers
	if p.pairs {
		set = &k.pairs
	}
	if set.one.by[1] == nil || p.kc <= 0 {
		p.portable()
		return
	}
	p.check()
	tiles := &set.one
	c1, b1 := &p.c0[0], &p.b0[0]
	if p.c1 != nil {
		if set.two.upTo(p.m) < set.one.upTo(p.m) {
			second := p
			second.c0, second.b0, second.c1, second.b1 = p.c1, p.b1, nil, nil
			p.c1, p.b1 = nil, nil
			k.run(p)
			k.run(second)
			return
		}
		tiles, c1, b1 = &set.two, &p.c1[0], &p.b1[0]
	}
	for i := 0; i < p.m; {
		rows, n := tiles.cut(p.m - i)
		n = min(n, max(1, callSteps/p.kc))
		c := i * p.ldc
		if p.c1 != nil {
			c1 = &p.c1[c]
		}
		tiles.by[rows](&p.c0[c], c1, p.ldc, &p.a[i*p.rs], p.rs, p.cs, &p.b0[0], b1, p.kc, p.load, n)
		i += n * rows
	}
}

// check panics unless every element that the assembly touches lies in its slice.
func (p *product) check() {
	c := (p.m-1)*p.ldc + panel
	_ = p.c0[:c]
	_ = p.a[(p.m-1)*p.rs+(p.kc-1)*p.cs]
	_ = p.b0[:p.kc*panel]
	if p.c1 != nil {
		_ = p.c1[:c]
		_ = p.b1[:p.kc*panel]
	}
}

// mulTile adds to a tile of m rows by 16 columns:
//
//	c[i·ldc+j] += Σ_k a[i·rs+k·cs]·p[k·16+j],   k ascending from the value in c, fused
//
// The result's bits don't depend on m. kc is at most kBlock.
func (b *Backend) mulTile(c []float32, ldc int, a []float32, rs, cs int, p []float32, m, kc int) {
	b.kernel.run(product{c0: c, ldc: ldc, a: a, rs: rs, cs: cs, b0: p, m: m, kc: kc, load: true})
}

// transpose16 turns blocks of 16×16 elements with rows of 16: dst[n·256+c·16+r] = src[n·srcStep+r·16+c].
func (k *kernel) transpose16(dst, src []float32, srcStep, blocks int) {
	if blocks <= 0 {
		return
	}
	_, _ = dst[:blocks*panel*panel], src[:(blocks-1)*srcStep+panel*panel]
	if k.transpose != nil {
		k.transpose(&dst[0], &src[0], srcStep, blocks)
		return
	}
	for n := range blocks {
		for r := range panel {
			for c := range panel {
				dst[n*panel*panel+c*panel+r] = src[n*srcStep+r*panel+c]
			}
		}
	}
}

// Impls names the kernel sets that this machine can run, from the slowest to the fastest.
func Impls() []string {
	var names []string
	for _, k := range kernels() {
		names = append(names, k.name)
	}
	return names
}

// NewWith is [New] with a named kernel set, one of [Impls].
func NewWith(impl string, threads int) (*Backend, error) {
	return Open(Options{Threads: threads, Kernels: impl})
}

var portable = kernel{name: "portable"}
