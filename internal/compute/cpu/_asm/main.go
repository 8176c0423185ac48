// Command asm writes the x86-64 kernels of package cpu: tile.go the matrix tiles, transpose.go the packing, exprows.go
// the row kernels with an exponential in them, half.go the conversions to and from bf16, norm.go, elementwise.go and
// optim.go the rest, peak.go what measures the machine.
// Run it with `go generate` in the parent folder.
package main

import (
	"flag"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	group := flag.String("group", "", "which kernels: tiles, rows or peak")
	flag.Parse()
	ConstraintExpr("!noasm")
	switch *group {
	case "tiles":
		tiles()
	case "peak":
		peak()
	case "rows":
		rows()
	}
	Generate()
}

// tiles are the matrix kernels.
func tiles() {
	for _, panels := range []int{1, 2} {
		for _, rows := range []int{1, 2, 3, 4, 5, 6, 7, 8, 14} {
			tile{set: avx512, rows: rows, panels: panels}.write()
			tile{set: bf16, rows: rows, panels: panels}.write()
		}
	}
	for rows := 1; rows <= 6; rows++ {
		tile{set: avx2, rows: rows, panels: 1}.write()
	}
	for rows := 1; rows <= 3; rows++ {
		tile{set: avx2, rows: rows, panels: 2}.write()
	}
	for rows := 1; rows <= 4; rows++ {
		pairTileAVX2(rows)
	}
	transpose16()
	transposePairs()
	pairRows()
	pairHalves()
	halveRows()
}

// rows are the kernels that walk along rows of activations or over whole buffers.
func rows() {
	maxLanes()
	for _, w := range []*width{{name: "AVX2", bytes: 32, vec: YMM}, {name: "AVX512", bytes: 64, vec: ZMM}} {
		w.expLanes()
		w.statLanes()
		w.statGrad()
		w.swiglu()
		w.swigluGrad()
	}
	widen()
	halve()
	dotLanes()
	dotWhole()
	normDotLanes()
	normScale()
	normGrad()
	gainGrad()
	add()
	axpy()
	scale()
	turn()
	adamW()
	sgd()
	sgdMomentum()
	squareLanes()
	absLanes()
	scoreGrad()
	largestBits()
}
