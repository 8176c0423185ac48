//go:build linux || darwin || freebsd

package cpu

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a large page on amd64 and arm64 with 4 KB base pages.
const hugePage = 2 << 20

// mapsMemory says whether big blocks lie outside the Go heap.
const mapsMemory = true

// mapFloats returns n zeros, a multiple of mapStep, outside the Go heap, which the collector neither scans nor counts.
// They begin on a huge page.
func mapFloats(n int) []float32 {
	size := uintptr(4 * n)
	raw := mapBytes(size + hugePage)
	skip := -uintptr(raw) % hugePage
	start := unsafe.Add(raw, skip)
	unmapBytes(raw, skip)
	unmapBytes(unsafe.Add(start, size), hugePage-skip)
	adviseHuge(start, size)
	return unsafe.Slice((*float32)(start), n)
}

// unmapFloats gives memory of mapFloats back, all or a part of it in steps of mapStep. Whoever touches it afterwards dies of a fault.
func unmapFloats(x []float32) { unmapBytes(unsafe.Pointer(&x[0]), uintptr(4*len(x))) }

func mapBytes(n uintptr) unsafe.Pointer {
	p, err := unix.MmapPtr(-1, 0, nil, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic(fmt.Sprintf("cpu: memory: %d bytes: %v", n, err))
	}
	return p
}

func unmapBytes(p unsafe.Pointer, n uintptr) {
	if n == 0 {
		return
	}
	if err := unix.MunmapPtr(p, n); err != nil {
		panic(fmt.Sprintf("cpu: memory: %d bytes back: %v", n, err))
	}
}
