//go:build amd64 && !noasm

package cpu

import "github.com/klauspost/cpuid/v2"

var avx2 = kernel{
	name: "avx2",
	numbers: tileSet{
		one: tiles{least: 4, by: [maxTileRows + 1]tileFunc{
			1: mul1x16AVX2, 2: mul2x16AVX2, 3: mul3x16AVX2, 4: mul4x16AVX2, 5: mul5x16AVX2, 6: mul6x16AVX2,
		}},
		two: tiles{least: 2, by: [maxTileRows + 1]tileFunc{1: mul1x32AVX2, 2: mul2x32AVX2, 3: mul3x32AVX2}},
	},
	pairs:     splitPairs,
	transpose: transpose16AVX2,
	flipPairs: transposePairsAVX2,
	rowPairs:  pairRowsAVX2,
	halfPairs: pairHalvesAVX2,
	rowHalves: halveRowsAVX2,
	vector:    true,
}

// splitPairs are the tiles of machines without bf16 products.
var splitPairs = tileSet{one: tiles{least: 1, by: [maxTileRows + 1]tileFunc{
	1: mulPairs1x16AVX2, 2: mulPairs2x16AVX2, 3: mulPairs3x16AVX2, 4: mulPairs4x16AVX2,
}}}

var bf16Pairs = tileSet{
	one: tiles{least: 4, by: [maxTileRows + 1]tileFunc{
		1: mul1x16BF16, 2: mul2x16BF16, 3: mul3x16BF16, 4: mul4x16BF16, 5: mul5x16BF16,
		6: mul6x16BF16, 7: mul7x16BF16, 8: mul8x16BF16, 14: mul14x16BF16,
	}},
	two: tiles{least: 2, by: [maxTileRows + 1]tileFunc{
		1: mul1x32BF16, 2: mul2x32BF16, 3: mul3x32BF16, 4: mul4x32BF16, 5: mul5x32BF16,
		6: mul6x32BF16, 7: mul7x32BF16, 8: mul8x32BF16, 14: mul14x32BF16,
	}},
}

var avx512 = kernel{
	name: "avx512",
	numbers: tileSet{
		one: tiles{least: 4, by: [maxTileRows + 1]tileFunc{
			1: mul1x16AVX512, 2: mul2x16AVX512, 3: mul3x16AVX512, 4: mul4x16AVX512, 5: mul5x16AVX512,
			6: mul6x16AVX512, 7: mul7x16AVX512, 8: mul8x16AVX512, 14: mul14x16AVX512,
		}},
		two: tiles{least: 2, by: [maxTileRows + 1]tileFunc{
			1: mul1x32AVX512, 2: mul2x32AVX512, 3: mul3x32AVX512, 4: mul4x32AVX512, 5: mul5x32AVX512,
			6: mul6x32AVX512, 7: mul7x32AVX512, 8: mul8x32AVX512, 14: mul14x32AVX512,
		}},
	},
	pairs:     splitPairs,
	transpose: transpose16AVX2,
	flipPairs: transposePairsAVX2,
	rowPairs:  pairRowsAVX2,
	halfPairs: pairHalvesAVX2,
	rowHalves: halveRowsAVX2,
	vector:    true,
	wide:      true,
}

// avx512bf16 differs from avx512 in the products of pairs alone.
var avx512bf16 = func() kernel {
	k := avx512
	k.name, k.pairs = "avx512bf16", bf16Pairs
	return k
}()

// kernels lists the sets that this machine can run, from the slowest to the fastest.
func kernels() []*kernel {
	k := []*kernel{&portable}
	if !cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		return k
	}
	k = append(k, &avx2)
	if cpuid.CPU.Supports(cpuid.AVX512F) {
		k = append(k, &avx512)
		if cpuid.CPU.Supports(cpuid.AVX512BF16) {
			k = append(k, &avx512bf16)
		}
	}
	return k
}
