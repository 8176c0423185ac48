package weights

import (
	"encoding/binary"
	"math"
)

// BF16ToF32 widens a bfloat16; exact.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 rounds to the nearest bfloat16, ties to even. A NaN stays a NaN, with the upper bits of its payload.
func F32ToBF16(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fff_ffff > 0x7f80_0000 {
		h := uint16(b >> 16)
		if h&0x7f == 0 { // the payload was in the lower bits: without this the NaN becomes an infinity
			h |= 0x40
		}
		return h
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// F16ToF32 widens an IEEE 754 half; exact.
func F16ToF32(h uint16) float32 {
	sign, b := uint32(h&0x8000)<<16, uint32(h&0x7fff)<<13
	if h&0x7c00 == 0x7c00 { // infinity or NaN
		return math.Float32frombits(sign | 0x7f80_0000 | b)
	}
	// The exponent fields differ by 112; a multiplication moves it and normalises subnormals in the same breath.
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(b)*0x1p112))
}

// F32ToF16 rounds to the nearest half, ties to even; beyond 65,520 it is infinite. A NaN stays a NaN, with the upper
// bits of its payload.
func F32ToF16(f float32) uint16 {
	b := math.Float32bits(f)
	sign, abs := uint16(b>>16)&0x8000, b&0x7fff_ffff
	switch {
	case abs > 0x7f80_0000:
		h := uint16(abs>>13) & 0x3ff
		if h == 0 {
			h = 0x200
		}
		return sign | 0x7c00 | h
	case abs >= 0x477f_f000: // 65,520: halfway between the largest half and the next power of two
		return sign | 0x7c00
	case abs < 0x3880_0000: // below 2^-14 halves are multiples of 2^-24
		// Adding 1/2 puts 2^-24 at the last bit of a float32, so the addition itself rounds to even.
		return sign | uint16(math.Float32bits(math.Float32frombits(abs)+0.5)-0x3f00_0000)
	}
	abs += 0xfff + abs>>13&1
	return sign | uint16(abs>>13-112<<10)
}

// DecodeBF16 widens little-endian bfloat16 values. It panics if len(b) is odd.
func DecodeBF16(b []byte) []float32 {
	v := make([]float32, pairs(b))
	decodeBF16(v, b)
	return v
}

// DecodeF16 widens little-endian halves. It panics if len(b) is odd.
func DecodeF16(b []byte) []float32 {
	v := make([]float32, pairs(b))
	decodeF16(v, b)
	return v
}

// EncodeBF16 rounds to little-endian bfloat16, see [F32ToBF16].
func EncodeBF16(v []float32) []byte {
	b := make([]byte, 2*len(v))
	encodeBF16(b, v)
	return b
}

// EncodeF16 rounds to little-endian halves, see [F32ToF16].
func EncodeF16(v []float32) []byte {
	b := make([]byte, 2*len(v))
	encodeF16(b, v)
	return b
}

func pairs(b []byte) int {
	if len(b)%2 != 0 {
		panic("weights: 16-bit values in an odd number of bytes")
	}
	return len(b) / 2
}

func decodeF32(dst []float32, src []byte) {
	src = src[:4*len(dst)]
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func decodeF16(dst []float32, src []byte) {
	src = src[:2*len(dst)]
	for i := range dst {
		dst[i] = F16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func decodeBF16(dst []float32, src []byte) {
	src = src[:2*len(dst)]
	for i := range dst {
		dst[i] = BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func encodeF32(dst []byte, src []float32) {
	for i, f := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(f))
	}
}

func encodeF16(dst []byte, src []float32) {
	for i, f := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], F32ToF16(f))
	}
}

func encodeBF16(dst []byte, src []float32) {
	for i, f := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], F32ToBF16(f))
	}
}
