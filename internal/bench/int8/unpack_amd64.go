//go:build amd64 && !noasm

package int8

import "github.com/klauspost/cpuid/v2"

// unpackVBMI is unpackGeneric, 64 weights at a time.
//
//go:noescape
func unpackVBMI(dst *uint16, src *int8, n int, halves *[256]byte)

var vector = cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VBMI)
