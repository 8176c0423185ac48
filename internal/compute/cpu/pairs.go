package cpu

import (
	"math"
	"unsafe"
)

// In bf16 a product takes its numbers in pairs: two neighbours along the sum, the earlier one in the lower half of 32
// bits. Pairs have the layouts of float32 numbers, with half as many terms, so the same code walks them: a weight is
// [panel][ceil(K/2)][16] pairs, a row of activations [ceil(K/2)]. A sum of odd length ends with a pair whose second
// half is 0.

// pairs is the number of pairs that hold n numbers.
func pairs(n int) int { return (n + 1) / 2 }

// asPairs looks at an even number of bf16 numbers as pairs.
func asPairs(h []uint16) []float32 {
	if len(h) < 2 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&h[0])), len(h)/2)
}

// asHalves is the way back.
func asHalves(f []float32) []uint16 {
	if len(f) == 0 {
		return nil
	}
	return unsafe.Slice((*uint16)(unsafe.Pointer(&f[0])), 2*len(f))
}

// pairGeneric is the bits of (round(a), round(b)).
func pairGeneric(a, b float32) float32 {
	return math.Float32frombits(uint32(halfOf(a)) | uint32(halfOf(b))<<16)
}

// pairRows fills dst with rows of n pairs: pair j of row i is (round(a[i·step+j]), round(b[i·step+j])). A nil b is zeros;
// then there is one row.
func (k *kernel) pairRows(dst, a, b []float32, n, rows, step int) {
	done := 0
	if k.rowPairs != nil && n >= 8 && b != nil && (rows == 1 || n%8 == 0) {
		done = n &^ 7
		_, _, _ = dst[rows*done-1], a[(rows-1)*step+done-1], b[(rows-1)*step+done-1]
		k.rowPairs(&dst[0], &a[0], &b[0], done, rows, step)
	}
	for i := range rows {
		for j := done; j < n; j++ {
			var second float32
			if b != nil {
				second = b[i*step+j]
			}
			dst[i*n+j] = pairGeneric(a[i*step+j], second)
		}
	}
}

// pairHalves is pairRows of numbers that are rounded already.
func (k *kernel) pairHalves(dst []float32, a, b []uint16, n, rows, step int) {
	done := 0
	if k.halfPairs != nil && n >= 8 && b != nil && (rows == 1 || n%8 == 0) {
		done = n &^ 7
		_, _, _ = dst[rows*done-1], a[(rows-1)*step+done-1], b[(rows-1)*step+done-1]
		k.halfPairs(&dst[0], &a[0], &b[0], done, rows, step)
	}
	for i := range rows {
		for j := done; j < n; j++ {
			second := uint16(0)
			if b != nil {
				second = b[i*step+j]
			}
			dst[i*n+j] = math.Float32frombits(uint32(a[i*step+j]) | uint32(second)<<16)
		}
	}
}

// halveRows rounds rows of n numbers, dstStep and srcStep apart.
func (k *kernel) halveRows(dst []uint16, src []float32, n, rows, dstStep, srcStep int) {
	if k.rowHalves != nil && n%panel == 0 {
		_, _ = dst[(rows-1)*dstStep+n-1], src[(rows-1)*srcStep+n-1]
		k.rowHalves(&dst[0], &src[0], n, rows, dstStep, srcStep)
		return
	}
	for r := range rows {
		k.halve(dst[r*dstStep:][:n], src[r*srcStep:][:n])
	}
}

// transposePairs turns blocks of 16 outputs by 16 inputs, [8 pairs of inputs][16 outputs], into [8 pairs of
// outputs][16 inputs]. Blocks of src begin srcStep apart.
func (k *kernel) transposePairs(dst, src []float32, srcStep, blocks int) {
	const block = panel * panel / 2
	if blocks <= 0 {
		return
	}
	_, _ = dst[:blocks*block], src[:(blocks-1)*srcStep+block]
	if k.flipPairs != nil {
		k.flipPairs(&dst[0], &src[0], srcStep, blocks)
		return
	}
	for b := range blocks {
		to, from := asHalves(dst[b*block:][:block]), asHalves(src[b*srcStep:][:block])
		for n := range panel {
			for i := range panel {
				to[(n/2*panel+i)*2+n%2] = from[(i/2*panel+n)*2+i%2]
			}
		}
	}
}

// mulPairsGeneric is mulGeneric for pairs: the even product is added before the odd one.
func mulPairsGeneric(c []float32, ldc int, a []float32, rs, cs int, b []float32, m, kc int, load bool) {
	for i := range m {
		row := (*[panel]float32)(c[i*ldc:])
		if !load {
			*row = [panel]float32{}
		}
		for k := range kc {
			x0, x1 := bothHalves(a[i*rs+k*cs])
			for j, v := range (*[panel]float32)(b[k*panel:]) {
				w0, w1 := bothHalves(v)
				s := row[j] + float32(x0*w0)
				row[j] = s + float32(x1*w1)
			}
		}
	}
}

func bothHalves(pair float32) (even, odd float32) {
	bits := math.Float32bits(pair)
	return math.Float32frombits(bits << 16), math.Float32frombits(bits & 0xffff0000)
}
