package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// peak are loops that do nothing but keep one unit of the core busy, for what `burnish doctor` calls the machine's limit.
func peak() {
	fmaChain(avx2, 12)
	fmaChain(avx512, 24)
	dotChain()
	readLines()
}

// fmaChain has more independent sums than a core's FMAs are deep: 2 a cycle, 4 or 5 cycles each.
func fmaChain(s set, sums int) {
	name := "fmaChain" + s.name
	TEXT(name, NOSPLIT, "func(rounds int, x, y float32, out *float32)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s adds x·y to each lane of %d vectors, rounds > 0 times, and writes one of them.", name, sums))
	x, y := s.vec(), s.vec()
	VBROADCASTSS(operand.NewParamAddr("x", 8), x)
	VBROADCASTSS(operand.NewParamAddr("y", 12), y)
	acc := make([]operand.Op, sums)
	for i := range acc {
		acc[i] = s.vec()
		s.zero(acc[i])
	}
	rounds := Load(Param("rounds"), GP64())
	Label(name + "_round")
	for _, a := range acc {
		VFMADD231PS(x, y, a)
	}
	DECQ(rounds)
	JNZ(operand.LabelRef(name + "_round"))
	VMOVUPS(acc[sums-1], operand.Mem{Base: Load(Param("out"), GP64())})
	VZEROUPPER()
	RET()
}

// dotChain is fmaChain with the BF16 dot product, whose registers have names: sums are Z0 to Z23, x is Z24, y Z25.
func dotChain() {
	const sums = 24
	TEXT("dotChainBF16", NOSPLIT, "func(rounds int, x, y uint32, out *float32)")
	Pragma("noescape")
	Doc("dotChainBF16 adds x0·y0 + x1·y1 to each lane of 24 vectors, rounds > 0 times, and writes one of them; x and y are",
		"two bf16 each.")
	VPBROADCASTD(Load(Param("x"), GP32()), reg.Z24)
	VPBROADCASTD(Load(Param("y"), GP32()), reg.Z25)
	for i := range sums {
		VPXORD(zs[i], zs[i], zs[i])
	}
	rounds := Load(Param("rounds"), GP64())
	Label("dotChainBF16_round")
	for i := range sums {
		dotPairs(zs[24], zs[25], zs[i])
	}
	DECQ(rounds)
	JNZ(operand.LabelRef("dotChainBF16_round"))
	VMOVUPS(zs[sums-1], operand.Mem{Base: Load(Param("out"), GP64())})
	VZEROUPPER()
	RET()
}

// readLines reads memory as fast as loads go.
func readLines() {
	const vectors = 8
	TEXT("readLinesAVX2", NOSPLIT, "func(x *float32, n int, out *uint32)")
	Pragma("noescape")
	Doc("readLinesAVX2 writes 8 words: the exclusive or of the bits of x[i] for all i of one value mod 8; n is a positive",
		"multiple of 64.")
	x := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	acc := make([]reg.VecVirtual, vectors)
	for i := range acc {
		acc[i] = YMM()
		VPXOR(acc[i], acc[i], acc[i])
	}
	Label("readLinesAVX2_block")
	for i, a := range acc {
		VPXOR(operand.Mem{Base: x, Disp: 32 * i}, a, a)
	}
	ADDQ(operand.U32(32*vectors), x)
	SUBQ(operand.Imm(8*vectors), n)
	JNZ(operand.LabelRef("readLinesAVX2_block"))
	for _, a := range acc[1:] {
		VPXOR(a, acc[0], acc[0])
	}
	VMOVDQU(acc[0], operand.Mem{Base: Load(Param("out"), GP64())})
	VZEROUPPER()
	RET()
}
