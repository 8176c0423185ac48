package decoder

import (
	"fmt"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

// BenchmarkHead is 4,096 trained tokens at a vocabulary of 151,936, forward and backward, real arithmetic.
func BenchmarkHead(b *testing.B) {
	b.Run(fmt.Sprintf("tokens=4096/V=%d", wide.Vocab), func(b *testing.B) {
		l := &ledger{Backend: cpu.New(0)}
		m, err := New(wide, l, RandomSource(wide, 1))
		if err != nil {
			b.Fatal(err)
		}
		defer m.Close()
		m.EnableGrads()
		start := l.live
		a, e := outGrads(4096)
		for b.Loop() {
			pass, err := m.LogProbs(wideBatch(), 1, true)
			if err != nil {
				b.Fatal(err)
			}
			if err := pass.Backward(a, e); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(l.peak-start)/1e6, "MB-over-weights")
		b.ReportMetric(4096*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
	})
}
