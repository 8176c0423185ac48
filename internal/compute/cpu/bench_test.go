package cpu

import (
	"context"
	"fmt"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

func BenchmarkGEMM(b *testing.B) {
	for _, rows := range []int{1, 8, 256} {
		for _, shape := range GEMMShapes {
			for _, impl := range Impls() {
				if impl == "portable" && rows*shape.N > 1<<20 {
					continue // seconds an iteration
				}
				b.Run(fmt.Sprintf("M=%d,N=%d,K=%d/%s", rows, shape.N, shape.K, impl), func(b *testing.B) {
					benchmarkGEMM(b, impl, shape, rows)
				})
			}
		}
	}
}

func benchmarkGEMM(b *testing.B, impl string, shape GEMMShape, rows int) {
	back, err := NewWith(impl, 0)
	if err != nil {
		b.Fatal(err)
	}
	g := newGEMM(back, shape, rows, false)
	for _, product := range []struct {
		name string
		run  func()
	}{{"y", g.matMul}, {"dx", g.gradX}, {"dw", g.gradW}} {
		b.Run(product.name, func(b *testing.B) {
			for b.Loop() {
				product.run()
			}
			b.ReportMetric(g.flops()*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

func TestBenchGEMM(t *testing.T) {
	results := BenchGEMM(context.Background(), New(1), []int{1}, 0, false)
	if len(results) != len(GEMMShapes) {
		t.Fatalf("%d results, want one for each of %d shapes", len(results), len(GEMMShapes))
	}
	for _, r := range results {
		if r.MatMul <= 0 || r.GradX <= 0 || r.GradW <= 0 || r.Kernel != Impls()[len(Impls())-1] {
			t.Errorf("result %+v, want positive speeds of the best kernels", r)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := BenchGEMM(ctx, New(1), []int{1}, 1, false); len(got) != 0 {
		t.Errorf("%d results after the context ended, want 0", len(got))
	}
}

func TestBenchAttention(t *testing.T) {
	shapes := []AttentionShape{{Heads: compute.Heads{Q: 4, KV: 2, D: 20}, Batch: 2, Length: 37}}
	got := BenchAttention(context.Background(), New(1), shapes, 0)
	if len(got) != 1 || got[0].Forward <= 0 || got[0].Grad <= 0 || got[0].Decode <= 0 || got[0].DecodeRead <= 0 {
		t.Errorf("results %+v, want positive speeds of one shape", got)
	}
}

// Cold matrices take turns and are together larger than a cache.
func TestColdGEMM(t *testing.T) {
	b := New(1)
	shape := GEMMShape{N: 1536, K: 5760}
	g := newGEMM(b, shape, 1, true)
	defer g.release()
	if bytes := len(g.w) * g.w[0].Data.Len() * 4; bytes < coldBytes {
		t.Errorf("%d matrices of %d bytes together, want %d", len(g.w), bytes, coldBytes)
	}
	first := g.next()
	for range len(g.w) - 1 {
		if g.next() == first {
			t.Errorf("matrix %d came again before its turn", first)
		}
	}
	if got := g.next(); got != first {
		t.Errorf("matrix %d after a round, want %d again", got, first)
	}
}
