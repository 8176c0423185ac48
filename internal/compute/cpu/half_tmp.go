package cpu

import "math"

func (k *kernel) widen(dst []float32, src []uint16) {
	for i, h := range src {
		dst[i] = math.Float32frombits(uint32(h) << 16)
	}
}

func (k *kernel) halve(dst []uint16, src []float32) {
	for i, x := range src {
		dst[i] = roundHalf(x)
	}
}
