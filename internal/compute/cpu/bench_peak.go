package cpu

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Limits are what the machine can do at most, as measured: what a speed is a share of.
type Limits struct {
	Threads        int
	Chain          string  // the instructions that reach F32
	F32Core, F32   float64 // GFLOP/s of one thread, of all; a multiply-add counts as two
	BF16Core, BF16 float64 // the same of BF16 dot products; 0 where the machine has none
	Bandwidth      float64 // GB/s that all threads together read from memory
}

// streamBytes is what the bandwidth is measured on: far more than any cache.
const streamBytes = 256 << 20

// MeasureLimits takes half a second or so, 256 MB, and the fastest of several tries: another process's burst doesn't count.
// When ctx ends early, what was not measured is 0.
func MeasureLimits(ctx context.Context, threads int) Limits {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	l := Limits{Threads: threads}
	for _, c := range chains() {
		if core, all := c.both(ctx, threads); all > l.F32 {
			l.Chain, l.F32Core, l.F32 = c.name, core, all
		}
	}
	if c, ok := bf16Chain(); ok {
		l.BF16Core, l.BF16 = c.both(ctx, threads)
	}
	if ctx.Err() == nil {
		l.Bandwidth = readBandwidth(ctx, threads)
	}
	return l
}

// chain is a loop of multiply-adds that live in registers. run does rounds of flops operations each and writes a vector
// of sums, all of them 2 or 1 a round: what the terms 1·1 add up to.
type chain struct {
	name  string
	flops float64
	run   func(rounds int, out *[16]float32)
}

const (
	chainRounds = 2000 // of a call, which can't be preempted: some 20 µs
	chainTries  = 8
	chainTime   = 8 * time.Millisecond // of a try
)

// both is the speed of one goroutine and of all.
func (c chain) both(ctx context.Context, threads int) (core, all float64) {
	all = c.gflops(ctx, threads)
	if threads == 1 {
		return all, all
	}
	return c.gflops(ctx, 1), all
}

// gflops is the speed of so many goroutines at once.
func (c chain) gflops(ctx context.Context, threads int) float64 {
	best := 0.0
	for range chainTries {
		if ctx.Err() != nil {
			return best
		}
		var rounds atomic.Int64
		start := time.Now()
		together(threads, func(int) {
			var out [16]float32
			for time.Since(start) < chainTime {
				c.run(chainRounds, &out)
				rounds.Add(chainRounds)
			}
		})
		best = max(best, float64(rounds.Load())*c.flops/time.Since(start).Seconds()/1e9)
	}
	return best
}

// readBandwidth is the speed of reading streamBytes with all threads, in GB/s.
func readBandwidth(ctx context.Context, threads int) float64 {
	const tries = 8
	const block = 16 << 10 // floats of a call that can't be preempted: 64 KB
	data := make([]float32, streamBytes/4)
	for i := range data {
		data[i] = 1 // a page never written is one page of zeros, read from the cache
	}
	parts := make([]uint32, threads)
	best := math.Inf(1)
	for range tries {
		if ctx.Err() != nil {
			break
		}
		start := time.Now()
		together(threads, func(i int) {
			from, to := i*(len(data)/block)/threads*block, (i+1)*(len(data)/block)/threads*block
			for at := from; at < to; at += block {
				parts[i] ^= readBlock(data[at : at+block])
			}
		})
		best = min(best, time.Since(start).Seconds())
	}
	return streamBytes / best / 1e9
}

// together runs fn(0), …, fn(n-1) on threads of their own.
func together(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			fn(i)
		})
	}
	wg.Wait()
}

// goChain is a chain in plain Go, the limit of the portable kernels.
var goChain = chain{"go", 2 * 8, func(rounds int, out *[16]float32) {
	var a0, a1, a2, a3, a4, a5, a6, a7 float32
	x, y := ones[8], (*[8]float32)(ones[:])
	for range rounds {
		a0 += float32(x * y[0])
		a1 += float32(x * y[1])
		a2 += float32(x * y[2])
		a3 += float32(x * y[3])
		a4 += float32(x * y[4])
		a5 += float32(x * y[5])
		a6 += float32(x * y[6])
		a7 += float32(x * y[7])
	}
	*out = [16]float32{a0, a1, a2, a3, a4, a5, a6, a7, a0, a1, a2, a3, a4, a5, a6, a7}
}}

// ones are variables, so that the compiler can't multiply for us.
var ones = [9]float32{1, 1, 1, 1, 1, 1, 1, 1, 1}

// readGeneric is the exclusive or of words, whose number is a multiple of 8.
func readGeneric(x []float32) uint32 {
	var a [8]uint32
	for ; len(x) >= 8; x = x[8:] {
		v := (*[8]float32)(x)
		for j := range a {
			a[j] ^= math.Float32bits(v[j])
		}
	}
	return a[0] ^ a[1] ^ a[2] ^ a[3] ^ a[4] ^ a[5] ^ a[6] ^ a[7]
}
