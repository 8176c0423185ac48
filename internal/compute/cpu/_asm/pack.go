package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pairRows writes pairRowsAVX2.
func pairRows() {
	const name = "pairRowsAVX2"
	start(name, "func(dst, a, b *float32, n, count, step int)",
		"is pairRowsGeneric: count times n pairs (half(a[j]), half(b[j])), a and b going on by step; n is a positive multiple of 8.")
	dst, a, b := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("b"), GP64())
	n, count, step := Load(Param("n"), GP64()), Load(Param("count"), GP64()), Load(Param("step"), GP64())
	SHLQ(operand.Imm(2), n)
	SHLQ(operand.Imm(2), step)
	j := GP64()
	Label("pairRows_row")
	XORQ(j, j)
	Label("pairRows_next")
	x, y := YMM(), YMM()
	VMOVUPS(operand.Mem{Base: a, Index: j, Scale: 1}, x)
	VMOVUPS(operand.Mem{Base: b, Index: j, Scale: 1}, y)
	low, high := rounded(x), rounded(y)
	VPSLLD(operand.Imm(16), high, high)
	VPOR(low, high, high)
	VMOVUPS(high, operand.Mem{Base: dst, Index: j, Scale: 1})
	ADDQ(operand.Imm(32), j)
	CMPQ(j, n)
	JB(operand.LabelRef("pairRows_next"))
	ADDQ(step, a)
	ADDQ(step, b)
	ADDQ(n, dst)
	DECQ(count)
	JNZ(operand.LabelRef("pairRows_row"))
	finish()
}

// pairHalves writes pairHalvesAVX2.
func pairHalves() {
	const name = "pairHalvesAVX2"
	start(name, "func(dst *float32, a, b *uint16, n, count, step int)",
		"is pairHalvesGeneric: count times n pairs (a[j], b[j]), a and b going on by step; n is a positive multiple of 8.")
	dst, a, b := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("b"), GP64())
	n, count, step := Load(Param("n"), GP64()), Load(Param("count"), GP64()), Load(Param("step"), GP64())
	SHLQ(operand.Imm(1), n)
	SHLQ(operand.Imm(1), step)
	j := GP64()
	Label("pairHalves_row")
	XORQ(j, j)
	Label("pairHalves_next")
	low, high := YMM(), YMM()
	VPMOVZXWD(operand.Mem{Base: a, Index: j, Scale: 1}, low)
	VPMOVZXWD(operand.Mem{Base: b, Index: j, Scale: 1}, high)
	VPSLLD(operand.Imm(16), high, high)
	VPOR(low, high, high)
	VMOVUPS(high, operand.Mem{Base: dst, Index: j, Scale: 2})
	ADDQ(operand.Imm(16), j)
	CMPQ(j, n)
	JB(operand.LabelRef("pairHalves_next"))
	ADDQ(step, a)
	ADDQ(step, b)
	LEAQ(operand.Mem{Base: dst, Index: n, Scale: 2}, dst)
	DECQ(count)
	JNZ(operand.LabelRef("pairHalves_row"))
	finish()
}

// halveRows writes halveRowsAVX2.
func halveRows() {
	const name = "halveRowsAVX2"
	start(name, "func(dst *uint16, src *float32, n, count, dstStep, srcStep int)",
		"rounds count rows of n numbers, which lie dstStep and srcStep apart; n is a positive multiple of 16.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	n, count := Load(Param("n"), GP64()), Load(Param("count"), GP64())
	dstStep, srcStep := Load(Param("dstStep"), GP64()), Load(Param("srcStep"), GP64())
	SHLQ(operand.Imm(1), n)
	SHLQ(operand.Imm(1), dstStep)
	SHLQ(operand.Imm(2), srcStep)
	j := GP64()
	Label("halveRows_row")
	XORQ(j, j)
	Label("halveRows_next")
	x, y := YMM(), YMM()
	VMOVUPS(operand.Mem{Base: src, Index: j, Scale: 2}, x)
	VMOVUPS(operand.Mem{Base: src, Index: j, Scale: 2, Disp: 32}, y)
	low, high := rounded(x), rounded(y)
	VPACKUSDW(high, low, low)
	VPERMQ(operand.Imm(0xd8), low, low)
	VMOVDQU(low, operand.Mem{Base: dst, Index: j, Scale: 1})
	ADDQ(operand.Imm(32), j)
	CMPQ(j, n)
	JB(operand.LabelRef("halveRows_next"))
	ADDQ(srcStep, src)
	ADDQ(dstStep, dst)
	DECQ(count)
	JNZ(operand.LabelRef("halveRows_row"))
	finish()
}

// transposePairs writes transposePairsAVX2: a block is 8 rows of 16 pairs, in and out. Two by two pairs are one number
// of 64 bits whose inner halves change places, and the 8×8 numbers are transposed in four parts of 4×4.
func transposePairs() {
	const name = "transposePairsAVX2"
	start(name, "func(dst, src *float32, srcStep, blocks int)", "is transposePairsGeneric.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	step, blocks := Load(Param("srcStep"), GP64()), Load(Param("blocks"), GP64())
	SHLQ(operand.Imm(2), step)
	swap := GLOBL("swapInnerHalves", RODATA|NOPTR)
	for i := range 32 {
		DATA(i, operand.U8([]byte{0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15}[i%16]))
	}
	shuffle := YMM()
	VMOVUPS(swap, shuffle)
	Label("transposePairs_block")
	for r := 0; r < 8; r += 4 {
		for c := 0; c < 8; c += 4 {
			var row [4]reg.VecVirtual
			for i := range row {
				row[i] = YMM()
				VMOVUPS(operand.Mem{Base: src, Disp: 64*(r+i) + 8*c}, row[i])
				VPSHUFB(shuffle, row[i], row[i])
			}
			lo01, hi01, lo23, hi23 := YMM(), YMM(), YMM(), YMM()
			VPUNPCKLQDQ(row[1], row[0], lo01)
			VPUNPCKHQDQ(row[1], row[0], hi01)
			VPUNPCKLQDQ(row[3], row[2], lo23)
			VPUNPCKHQDQ(row[3], row[2], hi23)
			for i, pair := range [4][2]reg.VecVirtual{{lo01, lo23}, {hi01, hi23}, {lo01, lo23}, {hi01, hi23}} {
				out := YMM()
				imm := uint64(0x20)
				if i >= 2 {
					imm = 0x31
				}
				VPERM2I128(operand.Imm(imm), pair[1], pair[0], out)
				VMOVUPS(out, operand.Mem{Base: dst, Disp: 64*(c+i) + 8*r})
			}
		}
	}
	ADDQ(operand.U32(512), dst)
	ADDQ(step, src)
	DECQ(blocks)
	JNZ(operand.LabelRef("transposePairs_block"))
	finish()
}
