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
	"fmt"
	"runtime"
	"slices"
)

// Backend implements compute.Backend. Make one with [New].
type Backend struct {
	kernel    *kernel
	threads   int
	bf16      bool // activations, weights and the cache are kept in bf16
	pool      *pool
	spreading spread // the call under way
	muls      mulTasks
	mulX      mulGradXTask
	mulW      mulGradWTask
	calls     rowCalls
	free      *freeList
	rope      ropeTables
	pages     segmentPages
	attending []attendScratch // by worker
	packs     packing
	heads     headRows
	forward   attention
	backward  attentionGrad
	writing   cacheWrite
	decoding  cacheAttention
	scratch   [][]float32 // by worker
	sampling  sampling
}

// Options say how to compute.
type Options struct {
	Threads int    // goroutines that share a call; 0 is GOMAXPROCS
	Kernels string // one of [Impls]; "" is the best of this machine
	BF16    bool   // keep activations, weights and the cache in bf16; sums stay float32
}

// New returns a backend that computes in float32 with the best kernels of this machine.
func New(threads int) *Backend {
	all := kernels()
	return newBackend(all[len(all)-1], threads)
}

// Open returns a backend. Unknown kernels are an error.
func Open(o Options) (*Backend, error) {
	all := kernels()
	i := len(all) - 1
	if o.Kernels != "" {
		if i = slices.IndexFunc(all, func(k *kernel) bool { return k.name == o.Kernels }); i < 0 {
			return nil, fmt.Errorf("cpu: kernels: %q, want one of %q", o.Kernels, Impls())
		}
	}
	b := newBackend(all[i], o.Threads)
	b.bf16 = o.BF16
	return b, nil
}

func newBackend(k *kernel, threads int) *Backend {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	b := &Backend{kernel: k, threads: threads, pool: newPool(threads - 1), scratch: make([][]float32, threads), free: &freeList{}, attending: make([]attendScratch, threads)}
	runtime.AddCleanup(b, (*pool).close, b.pool)
	runtime.AddCleanup(b, (*freeList).release, b.free)
	return b
}

// Name is "cpu/", the kernel set's name, and the precision unless it is float32.
func (b *Backend) Name() string {
	if b.bf16 {
		return "cpu/" + b.kernel.name + ", bf16"
	}
	return "cpu/" + b.kernel.name
}

// Threads is the number of goroutines that share a call.
func (b *Backend) Threads() int { return b.threads }

// Sync does nothing: every call is finished when it returns, and no call can fail.
func (b *Backend) Sync() error { return nil }
