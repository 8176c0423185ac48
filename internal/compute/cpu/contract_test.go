package cpu

import "github.com/burnish-rl/burnish/internal/compute"

var _ compute.Backend = (*Backend)(nil)
