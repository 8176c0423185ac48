//go:build !(linux || darwin || freebsd)

package cpu

// mapsMemory says whether big blocks lie outside the Go heap.
const mapsMemory = false

// mapFloats returns n zeros of the Go heap.
func mapFloats(n int) []float32 { return newAligned(n) }

// unmapFloats leaves them to the collector.
func unmapFloats([]float32) {}
