// Package int8 measures what weight-only int8 would have to beat: it unpacks int8 weights to bf16, which products take,
// and times that beside our bf16 products. Nothing uses it. Its benchmark gives the figures of docs/performance.md.
package int8

import "math"

// block is how many weights are unpacked at a time.
const block = 64

// Unpack writes src as bf16, blocks of 64 each in the order that interleaving bytes leaves: within every 16 weights of a
// block, the first 8 go to its first half and the others to its second. A packed format would store them so that they come
// out in order. Scales are of whole rows, so they multiply a product's sums and not the weights. Values are -127 to 127;
// len(src) is a multiple of 64, len(dst) the same.
func Unpack(dst []uint16, src []int8) {
	if vector {
		unpackVBMI(&dst[0], &src[0], len(src), &halves)
		return
	}
	unpackGeneric(dst, src)
}

func unpackGeneric(dst []uint16, src []int8) {
	for at := 0; at+block <= len(src); at += block {
		for i, v := range src[at : at+block] {
			lane, of := i/16, i%16
			dst[at+of/8*block/2+lane*8+of%8] = bf16(v)
		}
	}
}

// bf16 holds every int8 exactly: it has 8 bits of mantissa.
func bf16(v int8) uint16 { return uint16(math.Float32bits(float32(v)) >> 16) }

// halves are the low, then the high bytes of bf16 of 0 to 127.
var halves = func() (t [256]byte) {
	for i := range 128 {
		v := bf16(int8(i))
		t[i], t[128+i] = byte(v), byte(v>>8)
	}
	return t
}()
