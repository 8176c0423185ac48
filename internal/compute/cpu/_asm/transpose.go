package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose16 writes transpose16AVX2: blocks of 16 rows by 16 columns, each as four 8×8 transposes.
func transpose16() {
	TEXT("transpose16AVX2", NOSPLIT, "func(dst, src *float32, srcStep, blocks int)")
	Doc("transpose16AVX2 is transpose16Generic.")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	step := Load(Param("srcStep"), GP64())
	blocks := Load(Param("blocks"), GP64())
	SHLQ(operand.Imm(2), step)
	Label("transpose16_block")
	for r := 0; r < 16; r += 8 {
		for c := 0; c < 16; c += 8 {
			transpose8(operand.Mem{Base: dst, Disp: 64*c + 4*r}, operand.Mem{Base: src, Disp: 64*r + 4*c})
		}
	}
	ADDQ(operand.U32(1024), dst)
	ADDQ(step, src)
	DECQ(blocks)
	JNZ(operand.LabelRef("transpose16_block"))
	VZEROUPPER()
	RET()
}

// transpose8 moves an 8×8 block between matrices with rows of 64 bytes.
func transpose8(dst, src operand.Mem) {
	row := ymms()
	for i := range row {
		VMOVUPS(src.Offset(64*i), row[i])
	}
	pair := ymms() // a0 b0 a1 b1 | ..., a2 b2 a3 b3 | ...
	for i := 0; i < 8; i += 2 {
		VUNPCKLPS(row[i+1], row[i], pair[i])
		VUNPCKHPS(row[i+1], row[i], pair[i+1])
	}
	quad := ymms() // columns j and j+4 of rows 0-3 (quad[0..3]) and of rows 4-7 (quad[4..7])
	for h := 0; h < 8; h += 4 {
		VSHUFPS(operand.Imm(0x44), pair[h+2], pair[h], quad[h])
		VSHUFPS(operand.Imm(0xee), pair[h+2], pair[h], quad[h+1])
		VSHUFPS(operand.Imm(0x44), pair[h+3], pair[h+1], quad[h+2])
		VSHUFPS(operand.Imm(0xee), pair[h+3], pair[h+1], quad[h+3])
	}
	for j := range 4 {
		low, high := YMM(), YMM()
		VPERM2F128(operand.Imm(0x20), quad[j+4], quad[j], low)
		VPERM2F128(operand.Imm(0x31), quad[j+4], quad[j], high)
		VMOVUPS(low, dst.Offset(64*j))
		VMOVUPS(high, dst.Offset(64*(j+4)))
	}
}

func ymms() (v [8]reg.VecVirtual) {
	for i := range v {
		v[i] = YMM()
	}
	return v
}
