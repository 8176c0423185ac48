package int8

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

func weights(n int) []int8 {
	out := make([]int8, n)
	for i := range out {
		out[i] = int8(i*7%255 - 127)
	}
	return out
}

// TestUnpack: every int8 comes out as itself, in the order that both ways have.
func TestUnpack(t *testing.T) {
	src := weights(4 * 255 * block)
	got, want := make([]uint16, len(src)), make([]uint16, len(src))
	Unpack(got, src)
	unpackGeneric(want, src)
	if !slices.Equal(got, want) {
		t.Error("the vector kernel gives other numbers")
	}
	for _, v := range []int8{-127, -1, 0, 1, 5, 127} {
		one := slices.Repeat([]int8{v}, block)
		Unpack(got[:block], one)
		if got[17] != bf16(v) {
			t.Errorf("%d comes out as %#x", v, got[17])
		}
	}
}

const (
	// cold is what int8 weights take together: more than any cache.
	cold = 256 << 20
	// tile is how many weights are unpacked before a product takes them: 16 KB of bf16, half of the first cache.
	tile = 8192
)

// unpackSeconds is the time to unpack a weight with all threads, from memory into each thread's cache: that of the fastest
// tenth of pieces, as products are timed by their fastest, so that what else the machine does disturbs neither.
func unpackSeconds(src []int8) float64 {
	const piece = 32 * tile
	threads := runtime.GOMAXPROCS(0)
	var lock sync.Mutex
	var group sync.WaitGroup
	var times []float64
	for i := range threads {
		group.Go(func() {
			dst := make([]uint16, tile)
			var own []float64
			for at := i * piece; at+piece <= len(src); at += threads * piece {
				start := time.Now()
				for from := at; from < at+piece; from += tile {
					Unpack(dst, src[from:from+tile])
				}
				own = append(own, time.Since(start).Seconds())
			}
			lock.Lock()
			times = append(times, own...)
			lock.Unlock()
		})
	}
	group.Wait()
	slices.Sort(times)
	return times[len(times)/10] / piece / float64(threads)
}

// BenchmarkWeightOnly says, for the matrices of SmolLM2-135M, how long a bf16 product with weights from memory takes, and
// how long at least one with int8 weights would: unpacking them, and the same product with weights in a cache. A ratio
// above 1 means that int8 can't win.
func BenchmarkWeightOnly(b *testing.B) {
	backend, err := cpu.Open(cpu.Options{BF16: true})
	if err != nil {
		b.Fatal(err)
	}
	unpack := unpackSeconds(weights(cold))
	for _, rows := range []int{1, 8, 32} {
		fromMemory := cpu.BenchGEMM(context.Background(), backend, []int{rows}, 0.1, true)
		fromCache := cpu.BenchGEMM(context.Background(), backend, []int{rows}, 0.1, false)
		for i, m := range fromMemory {
			elements := float64(m.Shape.N * m.Shape.K)
			seconds := func(gflops float64) float64 { return 2 * elements * float64(rows) / (gflops * 1e9) }
			ours, least := seconds(m.MatMul), elements*unpack+seconds(fromCache[i].MatMul)
			b.Run(fmt.Sprintf("rows=%d/%dx%d", rows, m.Shape.N, m.Shape.K), func(b *testing.B) {
				for range b.N {
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(ours*1e6, "bf16-µs")
				b.ReportMetric(elements*unpack*1e6, "unpack-µs")
				b.ReportMetric(least*1e6, "int8-µs")
				b.ReportMetric(least/ours, "int8/bf16")
			})
		}
	}
}
