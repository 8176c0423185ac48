//go:build amd64 && !noasm

package cpu

import "github.com/klauspost/cpuid/v2"

// chains lists the ways to multiply and add that may be this machine's fastest.
func chains() []chain {
	if !cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		return []chain{goChain}
	}
	list := []chain{{"avx2", 2 * 12 * 8, func(rounds int, out *[16]float32) { fmaChainAVX2(rounds, 1, 1, &out[0]) }}}
	if cpuid.CPU.Supports(cpuid.AVX512F) {
		list = append(list, chain{"avx512", 2 * 24 * 16, func(rounds int, out *[16]float32) { fmaChainAVX512(rounds, 1, 1, &out[0]) }})
	}
	return list
}

// bf16Chain is the machine's BF16 dot product; ok is false where it has none. A term is two products.
func bf16Chain() (c chain, ok bool) {
	const two = 0x3f80_3f80 // bf16 of 1, twice
	c = chain{"avx512bf16", 2 * 2 * 24 * 16, func(rounds int, out *[16]float32) { dotChainBF16(rounds, two, two, &out[0]) }}
	return c, cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BF16)
}

// readBlock is the exclusive or of words, whose number is a multiple of 64.
func readBlock(x []float32) uint32 {
	if len(x) == 0 || !cpuid.CPU.Supports(cpuid.AVX2) {
		return readGeneric(x)
	}
	var out [8]uint32
	readLinesAVX2(&x[0], len(x), &out[0])
	word := uint32(0)
	for _, v := range out {
		word ^= v
	}
	return word
}
