// Package cpu is the backend for the machine's own cores: generated assembly for the matrix products and portable
// Go, parallel over outputs, for everything else. Start with [New].
//
// # Bits
//
// Every element of a matrix product is one chain of fused multiply-adds over K in ascending order, starting from
// what the output held. Tiles, cache blocks and threads cut the outputs only, or stop a chain at a block's end and go
// on from the stored value, which is the same chain. So results don't depend on the number of rows or threads, and
// AVX2 and AVX-512 agree. The portable kernels round the product before the sum, so they differ in the last bits,
// but agree among themselves.
package cpu

import (
	"runtime"
	"sync"
)

// Backend implements compute.Backend. Make one with [New].
type Backend struct {
	kernel    *kernel
	threads   int
	bf16      bool // AllocActs gives bf16
	pool      *pool
	spreading spread   // the call under way
	calls     rowCalls // what it works on
	free      freeList
	rope      ropeTables
	spare     sync.Pool // of *attendScratch
	pages     segmentPages
	scratch   [][]float32 // by worker
}

// New returns a backend with the best kernels of this machine. threads is the number of goroutines that share a
// call, 0 for GOMAXPROCS.
func New(threads int) *Backend {
	all := kernels()
	return newBackend(all[len(all)-1], threads)
}

func newBackend(k *kernel, threads int) *Backend {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	b := &Backend{kernel: k, threads: threads, pool: newPool(threads - 1), scratch: make([][]float32, threads)}
	runtime.AddCleanup(b, (*pool).close, b.pool)
	return b
}

// Name is "cpu/" and the kernel set's name.
func (b *Backend) Name() string { return "cpu/" + b.kernel.name }

// Threads is the number of goroutines that share a call.
func (b *Backend) Threads() int { return b.threads }

// Sync does nothing: every call is finished when it returns, and no call can fail.
func (b *Backend) Sync() error { return nil }
