//go:build amd64 && !noasm

package cpu

import "github.com/klauspost/cpuid/v2"

var avx2 = kernel{
	name: "avx2",
	one: [maxTileRows + 1]tileFunc{
		1: mul1x16AVX2, 2: mul2x16AVX2, 3: mul3x16AVX2, 4: mul4x16AVX2, 5: mul5x16AVX2, 6: mul6x16AVX2,
	},
	transpose: transpose16AVX2,
	vector:    true,
}

var avx512 = kernel{
	name: "avx512",
	one: [maxTileRows + 1]tileFunc{
		1: mul1x16AVX512, 2: mul2x16AVX512, 3: mul3x16AVX512, 4: mul4x16AVX512, 5: mul5x16AVX512,
		6: mul6x16AVX512, 7: mul7x16AVX512, 8: mul8x16AVX512, 14: mul14x16AVX512,
	},
	two: [maxTileRows + 1]tileFunc{
		1: mul1x32AVX512, 2: mul2x32AVX512, 3: mul3x32AVX512, 4: mul4x32AVX512, 5: mul5x32AVX512,
		6: mul6x32AVX512, 7: mul7x32AVX512, 8: mul8x32AVX512, 14: mul14x32AVX512,
	},
	transpose: transpose16AVX2,
	vector:    true,
}

// kernels lists the sets that this machine can run, from the slowest to the fastest.
func kernels() []*kernel {
	k := []*kernel{&portable}
	if !cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		return k
	}
	k = append(k, &avx2)
	if cpuid.CPU.Supports(cpuid.AVX512F) {
		k = append(k, &avx512)
	}
	return k
}
