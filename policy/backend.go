package policy

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

// Precisions of a backend: what activations, the key-value cache and matrices are kept in. Sums, master weights,
// gradients and optimizers are float32 in both.
const (
	F32  = "f32"
	BF16 = "bf16"
)

// CPUOptions say how [CPU] computes.
type CPUOptions struct {
	Threads   int    // how many share a call, 0 for all of them; results have the same bits for any number
	Precision string // F32, which "" means too, or BF16
}

// CPU is the backend of this machine's own cores, for [Open] and [OpenNew].
func CPU(o CPUOptions) (compute.Backend, error) {
	if o.Precision != "" && o.Precision != F32 && o.Precision != BF16 {
		return nil, fmt.Errorf("precision %q, want %s or %s", o.Precision, F32, BF16)
	}
	return cpu.Open(cpu.Options{Threads: o.Threads, BF16: o.Precision == BF16})
}
