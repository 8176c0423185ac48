package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
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
	acc := make([]reg.VecVirtual, sums)
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

// dotChain is fmaChain with the BF16 dot product, which the assembler does not know: sums are Z0 to Z23, x is Z24, y Z25.
func dotChain() {
	const sums = 24
	TEXT("dotChainBF16", NOSPLIT, "func(rounds int, x, y uint32, out *float32)")
	Pragma("noescape")
	Doc("dotChainBF16 adds x0·y0 + x1·y1 to each lane of 24 vectors, rounds > 0 times, and writes one of them; x and y are",
		"two bf16 each.")
	VPBROADCASTD(Load(Param("x"), GP32()), reg.Z24)
	VPBROADCASTD(Load(Param("y"), GP32()), reg.Z25)
	for i := range sums {
		z := vector(i)
		VPXORD(z, z, z)
	}
	rounds := Load(Param("rounds"), GP64())
	Label("dotChainBF16_round")
	for i := range sums {
		dotBF16(i, 24, 25)
	}
	DECQ(rounds)
	JNZ(operand.LabelRef("dotChainBF16_round"))
	VMOVUPS(vector(sums-1), operand.Mem{Base: Load(Param("out"), GP64())})
	VZEROUPPER()
	RET()
}

func vector(i int) reg.VecPhysical {
	return [...]reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11,
		reg.Z12, reg.Z13, reg.Z14, reg.Z15, reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	}[i]
}

// dotBF16 is VDPBF16PS Zc, Zb, Za in Go's order, za += zb·zc: EVEX.512.F3.0F38.W0 52 /r (Intel's manual, volume 2).
func dotBF16(za, zb, zc int) {
	not := func(v, bit int) int { return ^v >> bit & 1 }
	for _, b := range []int{
		0x62,
		not(za, 3)<<7 | not(zc, 4)<<6 | not(zc, 3)<<5 | not(za, 4)<<4 | 2,
		(^zb&15)<<3 | 1<<2 | 2,
		2<<5 | not(zb, 4)<<3,
		0x52,
		3<<6 | za&7<<3 | zc&7,
	} {
		Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []operand.Op{operand.U8(b)}})
	}
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
