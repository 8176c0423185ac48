package decoder

import (
	"fmt"
	"math"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/ref"
)

// recorder keeps the head's statistics in float64.
type recorder struct {
	*ref.Backend
	rows []ref.RowStats
}

func (r *recorder) TokenStats(logits compute.Buf, v int, temperature float32, target []int32) compute.Stats {
	r.rows = append(r.rows, ref.Stats(logits, v, temperature, target)...)
	return r.Backend.TokenStats(logits, v, temperature, target)
}

// TestFiniteDifferences compares gradients of Σ a·logp + b·entropy with central differences in float64, for some
// elements of every tensor, through a packed batch with shared prompts.
func TestFiniteDifferences(t *testing.T) {
	for _, tied := range []bool{true, false} {
		for _, adapter := range []bool{false, true} {
			t.Run(fmt.Sprintf("tied=%v/adapter=%v", tied, adapter), func(t *testing.T) {
				r := &recorder{Backend: ref.New()}
				m := newModel(t, r, tiny(tied), adapter)
				defer m.Close()
				p := pack(drawGroups(m.cfg.Vocab))
				trainOn(t, m, []Packed{p})
				a, b := outGrads(len(p.Out))
				loss := func() float64 {
					r.rows = nil
					if _, err := m.LogProbs(p, 0.7, false); err != nil {
						t.Fatal(err)
					}
					sum := 0.0
					for i, s := range r.rows {
						sum += float64(a[i])*s.LogP + float64(b[i])*s.Entropy
					}
					return sum
				}
				for _, w := range m.Params() {
					if !w.Trainable {
						continue
					}
					data, grad := ref.Data(w.Data), ref.Data(w.Grad)
					scale := 0.0
					for _, g := range grad {
						scale = max(scale, math.Abs(g))
					}
					if scale == 0 {
						t.Errorf("%s: its gradient is 0", w.Name)
					}
					for i := 0; i < len(data); i += len(data)/5 + 1 {
						const h = 1e-5
						at := data[i]
						data[i] = at + h
						up := loss()
						data[i] = at - h
						down := loss()
						data[i] = at
						want := (up - down) / (2 * h)
						if e := math.Abs(grad[i]-want) / scale; !(e < 1e-6) {
							t.Errorf("%s[%d]: gradient %.9g, want %.9g", w.Name, i, grad[i], want)
						}
					}
				}
			})
		}
	}
}
