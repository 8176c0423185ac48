package cpu

import (
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Sizes: the builtin model (4 heads of 32, hidden 128, vocabulary 430, 8 samples of 80 tokens after a prompt of 60)
// and SmolLM2-135M (9 query and 3 key-value heads of 64, hidden 576, inner 1536, vocabulary 49,152).

func filled(b *Backend, n int) compute.Buf {
	x := b.Alloc(n)
	f := f32(x)
	for i := range f {
		f[i] = float32(i*7919%2003)/1000 - 1
	}
	return x
}

func report(b *testing.B, gflop float64, rows int) {
	s := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(gflop/s, "GFLOP/s")
	b.ReportMetric(s*1e9/float64(rows), "ns/row")
}

func perElement(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/element")
}
