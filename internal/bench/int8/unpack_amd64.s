//go:build amd64 && !noasm

#include "textflag.h"

// func unpackVBMI(dst *uint16, src *int8, n int, halves *[256]byte)
//
// Two lookups of 128 bytes give the halves of |x|, its sign goes to the top bit, and bytes are interleaved.
TEXT ·unpackVBMI(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ halves+24(FP), DX
	VMOVDQU64 (DX), Z16
	VMOVDQU64 64(DX), Z17
	VMOVDQU64 128(DX), Z18
	VMOVDQU64 192(DX), Z19
	MOVL $0x80808080, AX
	VPBROADCASTD AX, Z20

next:
	VMOVDQU64 (SI), Z0
	VPABSB Z0, Z1
	VMOVDQA64 Z1, Z2
	VPERMI2B Z17, Z16, Z1
	VPERMI2B Z19, Z18, Z2
	VPTERNLOGD $0xf8, Z20, Z0, Z2 // high | x & sign
	VPUNPCKLBW Z2, Z1, Z3
	VPUNPCKHBW Z2, Z1, Z4
	VMOVDQU64 Z3, (DI)
	VMOVDQU64 Z4, 64(DI)
	ADDQ $64, SI
	ADDQ $128, DI
	SUBQ $64, CX
	JG next
	VZEROUPPER
	RET
