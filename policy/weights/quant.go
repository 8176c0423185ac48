package weights

import "encoding/binary"

// GGUF's quantised blocks hold 32 values: a half d (and a half m), then 8-bit or 4-bit numbers q. Byte i of the 4-bit
// kinds holds value i in its low and value i+16 in its high half.
//
//	Q8_0: d, 32 signed bytes:  d·q
//	Q4_0: d, 16 bytes:         d·(q-8)
//	Q4_1: d, m, 16 bytes:      d·q + m
//
// The product has 11 + 4 bits and is exact in float32, so it makes no difference whether the compiler fuses it with
// the sum.
//
// Source: gguf-py quants.py, whose values these are, bit for bit.
const blockElems = 32

var (
	codecF32  = &codec{elems: 1, size: 4, decode: decodeF32, stored: littleEndian}
	codecF16  = &codec{elems: 1, size: 2, decode: decodeF16}
	codecBF16 = &codec{elems: 1, size: 2, decode: decodeBF16}
	codecQ8_0 = &codec{elems: blockElems, size: 34, decode: decodeQ8_0}
	codecQ4_0 = &codec{elems: blockElems, size: 18, decode: decodeQ4_0}
	codecQ4_1 = &codec{elems: blockElems, size: 20, decode: decodeQ4_1}
)

func half(b []byte) float32 { return F16ToF32(binary.LittleEndian.Uint16(b)) }

func decodeQ8_0(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[blockElems:], src[34:] {
		d, q, out := half(src), src[2:34], dst[:blockElems]
		for i := range out {
			out[i] = d * float32(int8(q[i]))
		}
	}
}

func decodeQ4_0(dst []float32, src []byte) {
	var value [16]float32
	for ; len(dst) > 0; dst, src = dst[blockElems:], src[18:] {
		d := half(src)
		for q := range value {
			value[q] = d * float32(q-8)
		}
		nibbles(dst, src[2:18], &value)
	}
}

func decodeQ4_1(dst []float32, src []byte) {
	var value [16]float32
	for ; len(dst) > 0; dst, src = dst[blockElems:], src[20:] {
		d, m := half(src), half(src[2:])
		for q := range value {
			value[q] = d*float32(q) + m
		}
		nibbles(dst, src[4:20], &value)
	}
}

// nibbles looks up the 32 values of a 4-bit block.
func nibbles(dst []float32, src []byte, value *[16]float32) {
	low, high := dst[:16], dst[16:32]
	for i, b := range src[:16] {
		low[i], high[i] = value[b&15], value[b>>4]
	}
}
