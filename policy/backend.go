package policy

import (
	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

// CPU is the backend of this machine's own cores, for [Open] and [OpenNew]. threads is how many share a call, 0 for
// all of them; results have the same bits for any number.
func CPU(threads int) compute.Backend { return cpu.New(threads) }
