package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// set is an instruction set: its vector registers, how wide they are, and how a tile multiplies.
type set struct {
	name  string
	bytes int
	vec   func() operand.Op
	zero  func(operand.Op)
	// addProduct is acc += w·x for numbers, or for pairs of bf16 numbers in their place.
	addProduct func(w, x, acc operand.Op)
	doc        string
}

var (
	avx512 = set{"AVX512", 64, func() operand.Op { return ZMM() }, zero512, fused, "mulGeneric"}
	avx2   = set{"AVX2", 32, func() operand.Op { return YMM() }, func(v operand.Op) { VXORPS(v, v, v) }, fused, "mulGeneric"}
	bf16   = set{"BF16", 64, nextZ, zero512, dotPairs, "mulPairsGeneric, in the instruction's own rounding,"}
)

func zero512(v operand.Op) { VPXORD(v, v, v) }

func fused(w, x, acc operand.Op) { VFMADD231PS(w, x, acc) }

// tile is one matrix kernel: rows by panels·16 outputs, all of them in registers.
type tile struct {
	set          set
	rows, panels int
}

// rowsPerBase is how many rows one pointer reaches with base, base+rs, base+2rs, base+3rs, base+4rs.
const rowsPerBase = 5

const tileSignature = "func(c0, c1 *float32, ldc int, a *float32, rs, cs int, b0, b1 *float32, kc int, load bool, tiles int)"

func (t tile) write() {
	name := fmt.Sprintf("mul%dx%d%s", t.rows, 16*t.panels, t.set.name)
	TEXT(name, NOSPLIT, tileSignature)
	Doc(fmt.Sprintf("%s is %s for %d rows and %d panel(s); c1 and b1 are the second panel's.", name, t.set.doc, t.rows, t.panels))
	nextPhysical = 0
	acc := t.accumulators()
	Label(name + "_tile")
	t.loadOutputs(name, acc)
	t.eachK(name, t.products(acc))
	t.storeOutputs(acc)
	t.nextTile(name)
}

// products adds one k's products: all of its weights stay in registers, or all of its rows where there are more weights.
func (t tile) products(acc [][]operand.Op) func(row func(i int) operand.Mem, b func(panel, part int) operand.Mem) {
	weights := t.panels * t.parts()
	if t.rows < weights {
		w := t.set.vec()
		return func(row func(i int) operand.Mem, b func(panel, part int) operand.Mem) {
			var xs []operand.Op
			for i := range t.rows {
				xs = append(xs, t.set.vec())
				VBROADCASTSS(row(i), xs[i])
			}
			for v := range weights {
				VMOVUPS(b(v/t.parts(), v%t.parts()), w)
				for i, x := range xs {
					t.set.addProduct(w, x, acc[i][v])
				}
			}
		}
	}
	spare := []operand.Op{t.set.vec(), t.set.vec()}
	return func(row func(i int) operand.Mem, b func(panel, part int) operand.Mem) {
		weights := t.vectors(t.panels, b)
		for i := range t.rows {
			x := spare[i%2]
			VBROADCASTSS(row(i), x)
			for v, w := range weights {
				t.set.addProduct(w, x, acc[i][v])
			}
		}
	}
}

// nextTile goes on to the rows below, until all tiles are done.
func (t tile) nextTile(name string) {
	below := t.below("ldc")
	ADDQ(below, argument("c0"))
	if t.panels == 2 {
		ADDQ(below, argument("c1"))
	}
	ADDQ(t.below("rs"), argument("a"))
	DECQ(argument("tiles"))
	JNZ(operand.LabelRef(name + "_tile"))
	VZEROUPPER()
	RET()
}

// below is the distance in bytes from a tile to the next in a matrix with this stride.
func (t tile) below(stride string) reg.Register {
	d := Load(Param(stride), GP64())
	IMUL3Q(operand.Imm(uint64(4*t.rows)), d, d)
	return d
}

// argument is where the caller put a parameter.
func argument(name string) operand.Mem {
	at, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return at.Addr
}

// eachK walks k: body gets the addresses of a row's element and of the parts of a panel's row.
func (t tile) eachK(name string, body func(row func(i int) operand.Mem, b func(panel, part int) operand.Mem)) {
	rs := Load(Param("rs"), GP64())
	cs := Load(Param("cs"), GP64())
	SHLQ(operand.Imm(2), rs)
	SHLQ(operand.Imm(2), cs)
	rs3 := GP64()
	LEAQ(operand.Mem{Base: rs, Index: rs, Scale: 2}, rs3)
	bases := []reg.Register{Load(Param("a"), GP64())}
	for len(bases)*rowsPerBase < t.rows {
		next := GP64()
		LEAQ(operand.Mem{Base: bases[len(bases)-1], Index: rs, Scale: 4}, next)
		ADDQ(rs, next)
		bases = append(bases, next)
	}
	b := []reg.Register{Load(Param("b0"), GP64())}
	if t.panels == 2 {
		b = append(b, Load(Param("b1"), GP64()))
	}
	kc := Load(Param("kc"), GP64())
	SHLQ(operand.Imm(6), kc) // bytes of one panel: 16 floats a k
	at := GP64()
	XORQ(at, at)
	TESTQ(kc, kc)
	JZ(operand.LabelRef(name + "_store"))

	Label(name + "_k")
	body(func(i int) operand.Mem {
		return rowAddress(bases[i/rowsPerBase], rs, rs3, i%rowsPerBase)
	}, func(p, part int) operand.Mem {
		return operand.Mem{Base: b[p], Index: at, Scale: 1, Disp: part * t.set.bytes}
	})
	for _, a := range bases {
		ADDQ(cs, a)
	}
	ADDQ(operand.Imm(64), at)
	CMPQ(at, kc)
	JB(operand.LabelRef(name + "_k"))
	Label(name + "_store")
}

func (t tile) storeOutputs(acc [][]operand.Op) {
	t.eachOutput(func(i, v int, m operand.Mem) { VMOVUPS(acc[i][v], m) })
}

func (t tile) parts() int { return 64 / t.set.bytes }

func (t tile) accumulators() [][]operand.Op {
	acc := make([][]operand.Op, t.rows)
	for i := range acc {
		for range t.panels * t.parts() {
			acc[i] = append(acc[i], t.set.vec())
		}
	}
	return acc
}

// vectors loads one row of each panel into registers.
func (t tile) vectors(panels int, at func(panel, part int) operand.Mem) []operand.Op {
	var out []operand.Op
	for p := range panels {
		for part := range t.parts() {
			v := t.set.vec()
			VMOVUPS(at(p, part), v)
			out = append(out, v)
		}
	}
	return out
}

// loadOutputs starts the chains from what c holds, or from 0.
func (t tile) loadOutputs(name string, acc [][]operand.Op) {
	load := Load(Param("load"), GP8())
	TESTB(load, load)
	JZ(operand.LabelRef(name + "_zero"))
	t.eachOutput(func(i, v int, m operand.Mem) { VMOVUPS(m, acc[i][v]) })
	CMPQ(argument("tiles"), operand.Imm(1))
	JE(operand.LabelRef(name + "_start"))
	t.fetchOutputs(t.rows)
	JMP(operand.LabelRef(name + "_start"))
	Label(name + "_zero")
	t.fetchOutputs(0)
	for _, row := range acc {
		for _, v := range row {
			t.set.zero(v)
		}
	}
	Label(name + "_start")
}

// fetchOutputs asks for the lines of the outputs that begin so many rows below: those to be stored to, because a store
// that misses the caches holds up those behind it, or those that the next tile loads.
func (t tile) fetchOutputs(below int) {
	t.eachOutputFrom(below, func(_, v int, m operand.Mem) {
		if v%t.parts() == 0 {
			PREFETCHT0(m)
		}
	})
}

// eachOutput walks the outputs' addresses, row by row.
func (t tile) eachOutput(fn func(i, v int, m operand.Mem)) { t.eachOutputFrom(0, fn) }

// eachOutputFrom walks those of this tile, below 0, or of the next.
func (t tile) eachOutputFrom(below int, fn func(i, v int, m operand.Mem)) {
	c := []reg.Register{Load(Param("c0"), GP64())}
	if t.panels == 2 {
		c = append(c, Load(Param("c1"), GP64()))
	}
	ldc := Load(Param("ldc"), GP64())
	SHLQ(operand.Imm(2), ldc)
	if below > 0 {
		skip := t.below("ldc")
		for _, p := range c {
			ADDQ(skip, p)
		}
	}
	for i := range t.rows {
		for v := range t.panels * t.parts() {
			fn(i, v, operand.Mem{Base: c[v/t.parts()], Disp: v % t.parts() * t.set.bytes})
		}
		if i+1 < t.rows {
			for _, p := range c {
				ADDQ(ldc, p)
			}
		}
	}
}

func rowAddress(base, rs, rs3 reg.Register, i int) operand.Mem {
	switch i {
	case 0:
		return operand.Mem{Base: base}
	case 3:
		return operand.Mem{Base: base, Index: rs3, Scale: 1}
	}
	return operand.Mem{Base: base, Index: rs, Scale: uint8(i)}
}
