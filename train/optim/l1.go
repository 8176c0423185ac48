package optim

import "github.com/burnish-rl/burnish/internal/compute"

// L1 gives Σ|g| over all gradients, as they stand before clipping: the norm that the refined schedule of an Adam run is
// made of.
func L1(b compute.Backend, params []Param) float64 {
	total := 0.0
	for _, p := range params { // in slice order: the sum has the same bits every time
		total += b.SumAbs(p.Grad)
	}
	return total
}
