package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The assembler doesn't know VDPBF16PS, so its bytes are written out, and a tile that uses it names its registers.

var zs = []operand.Op{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

// nextPhysical is the first register that the function under way has not named.
var nextPhysical int

func nextZ() operand.Op {
	nextPhysical++
	return zs[nextPhysical-1]
}

// dotPairs emits VDPBF16PS acc, w, x: in each lane, acc += w.odd·x.odd + w.even·x.even.
func dotPairs(w, x, acc operand.Op) {
	for _, b := range encodeDotPairs(number(acc), number(w), number(x)) {
		Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []operand.Op{operand.U8(b)}})
	}
}

// encodeDotPairs is EVEX.512.F3.0F38.W0 52 /r with three registers.
func encodeDotPairs(dst, first, second int) []byte {
	not := func(n, bit int) byte { return byte(^n >> bit & 1) }
	p0 := not(dst, 3)<<7 | not(second, 4)<<6 | not(second, 3)<<5 | not(dst, 4)<<4 | 2
	p1 := byte(^first&15)<<3 | 1<<2 | 2
	p2 := byte(2<<5) | not(first, 4)<<3
	return []byte{0x62, p0, p1, p2, 0x52, 0xc0 | byte(dst&7)<<3 | byte(second&7)}
}

func number(v operand.Op) int {
	for i, z := range zs {
		if z == v {
			return i
		}
	}
	panic("not a named register")
}

// pairTileAVX2 multiplies pairs where there is no instruction for it: each pair is two numbers, the even one shifted up
// and the odd one masked, and the even product is added first.
func pairTileAVX2(rows int) {
	t := tile{set: avx2, rows: rows, panels: 1}
	name := fmt.Sprintf("mulPairs%dx16AVX2", rows)
	TEXT(name, NOSPLIT, tileSignature)
	Doc(fmt.Sprintf("%s is mulPairsGeneric for %d rows and 1 panel; c1 and b1 are not read.", name, rows))
	acc := t.accumulators()
	Label(name + "_tile")
	t.loadOutputs(name, acc)
	odd := YMM()
	VPCMPEQD(odd, odd, odd)
	VPSLLD(operand.Imm(16), odd, odd)
	t.eachK(name, func(row func(i int) operand.Mem, b func(panel, part int) operand.Mem) {
		var evens, odds [2]reg.VecVirtual
		for part := range evens {
			evens[part], odds[part] = YMM(), YMM()
			VMOVUPS(b(0, part), odds[part])
			VPSLLD(operand.Imm(16), odds[part], evens[part])
			VPAND(odd, odds[part], odds[part])
		}
		x, y := YMM(), YMM()
		for i := range rows {
			VBROADCASTSS(row(i), x)
			VPSLLD(operand.Imm(16), x, y)
			VPAND(odd, x, x)
			for part, a := range acc[i] {
				VFMADD231PS(evens[part], y, a)
				VFMADD231PS(odds[part], x, a)
			}
		}
	})
	t.storeOutputs(acc)
	t.nextTile(name)
}
