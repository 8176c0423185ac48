package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// sink is where a backward pass leaves the gradients of parameters, of which it passes over those that are not trained:
// added up for an optimizer, or as squared norms of single rows.
type sink interface {
	// matrix takes dW = dyᵀ·x of all rows of the pass.
	matrix(w *Param, dy, x compute.Buf)
	// norm takes the gradient of an RMSNorm's gain, and adds that of its input to dx.
	norm(g *Param, dx, dy, x compute.Buf, rows int, eps float32)
}

// adder adds to the parameters' gradients.
type adder struct {
	b    compute.Backend
	runs []int // rows of each prompt group
}

func (a *adder) matrix(w *Param, dy, x compute.Buf) {
	if w.Grad != nil {
		a.b.MatMulGradW(w.grad(), dy, x, a.runs)
	}
}

func (a *adder) norm(g *Param, dx, dy, x compute.Buf, rows int, eps float32) {
	a.b.RMSNormGrad(dx, g.Grad, dy, x, g.Data, rows, eps)
}
