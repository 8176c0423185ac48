package optim

import (
	"errors"
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// clipEpsilon is PyTorch's (torch.nn.utils.clip_grad_norm_).
const clipEpsilon = 1e-6

// ErrNotFinite means that a gradient has an infinity or a NaN in it: the run has diverged.
var ErrNotFinite = errors.New("not finite")

// Clip gives the global L2 norm of the gradients before clipping, and the factor that brings it down to limit.
//
//	scale = min(1, limit/(norm + 1e-6))
//
// limit 0 clips nothing. The gradients stay as they are; the factor goes to [Optimizer].Step. A gradient that is
// not finite is an error that names its parameter.
func Clip(b compute.Backend, params []Param, limit float64) (norm float64, scale float32, err error) {
	sum := 0.0
	for _, p := range params { // in slice order: the sum has the same bits every time
		s := b.SumSquares(p.Grad)
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return 0, 0, fmt.Errorf("optimizer: gradient of %s is %w", p.Name, ErrNotFinite)
		}
		sum += s
	}
	norm = math.Sqrt(sum)
	if limit > 0 {
		return norm, float32(min(1, limit/(norm+clipEpsilon))), nil
	}
	return norm, 1, nil
}
