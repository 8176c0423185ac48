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

// unpackSeconds is the time to unpack a weight, with all threads, from memory into each thread's cache.
func unpackSeconds(src []int8) float64 {
	threads := runtime.GOMAXPROCS(0)
	best := time.Duration(1 << 62)
	for range 5 {
		start := time.Now()
		var group sync.WaitGroup
		for i := range threads {
			group.Go(func() {
				dst := make([]uint16, tile)
				for at := i * tile; at+tile <= len(src); at += threads * tile {
					Unpack(dst, src[at:at+tile])
				}
			})
		}
		group.Wait()
		best = min(best, time.Since(start))
	}
	return best.Seconds() / float64(len(src))
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
