package cpu

import (
	"context"
	"fmt"
	"testing"
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
	g := newGEMM(back, shape, rows)
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
	results := BenchGEMM(context.Background(), 1, []int{1}, 0)
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
	if got := BenchGEMM(ctx, 1, []int{1}, 1); len(got) != 0 {
		t.Errorf("%d results after the context ended, want 0", len(got))
	}
}
