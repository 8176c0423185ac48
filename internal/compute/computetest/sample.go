package computetest

import (
	"fmt"
	"math"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/rng"
)

// sampleDraws checks Sample against its definition in float64, and its log-probs against TokenStats, bit by bit.
func sampleDraws(t *testing.T, b compute.Backend) {
	for _, v := range []int{1, 7, 16, 611, 4096, 4097, 9001} {
		for _, temperature := range []float32{0, 0.7, 1, 3} {
			t.Run(fmt.Sprintf("V%d T%g", v, temperature), func(t *testing.T) {
				const rows = 19
				z, u := logits(5, rows, v), make([]float64, rows)
				for r := range u {
					u[r] = rng.Uniform(9, rng.Sampling, rng.At{A: uint32(r)})
				}
				u[0], u[1] = 0, math.Nextafter(1, 0)
				if v > 1 {
					z[v-1] = float32(math.Inf(-1)) // of row 0: never drawn
				}
				e := &env{t: t, b: b}
				defer e.close()
				ids, logp := make([]int32, rows), make([]float32, rows)
				at := e.buf(z)
				e.b.Sample(ids, logp, at, v, temperature, u)
				sameBits(t, "logits", e.read(at), z)
				for r, id := range ids {
					checkDraw(t, fmt.Sprintf("row %d", r), z[r*v:(r+1)*v], temperature, u[r], id)
				}
				if temperature == 0 {
					temperature = 1
				}
				sameBits(t, "log-probs", logp, e.b.TokenStats(at, v, temperature, ids).LogP)
			})
		}
	}
}

// checkDraw wants u between the running sums before and after id, within float32's rounding.
func checkDraw(t *testing.T, what string, z []float32, temperature float32, u float64, id int32) {
	if id < 0 || int(id) >= len(z) {
		t.Fatalf("%s: token %d, want [0, %d)", what, id, len(z))
	}
	if temperature == 0 {
		for i, x := range z {
			if x > z[id] || x == z[id] && i < int(id) {
				t.Errorf("%s: token %d with logit %g, but %d has %g", what, id, z[id], i, x)
			}
		}
		return
	}
	total, before := 0.0, 0.0
	for i, x := range z {
		e := math.Exp(float64(x) / float64(temperature))
		total += e
		if i < int(id) {
			before += e
		}
	}
	own := math.Exp(float64(z[id])/float64(temperature)) / total
	before /= total
	if own == 0 || before > u+1e-6 || before+own < u-1e-6 {
		t.Errorf("%s: token %d covers [%g, %g), but u is %g", what, id, before, before+own, u)
	}
}
