package cpu_test

import (
	"fmt"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/computetest"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

var _ compute.Backend = (*cpu.Backend)(nil)

func newBackend(t *testing.T, impl string, threads int) *cpu.Backend {
	t.Helper()
	b, err := cpu.NewWith(impl, threads)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBackend(t *testing.T) {
	for _, impl := range cpu.Impls() {
		t.Run(impl, func(t *testing.T) { computetest.Run(t, newBackend(t, impl, 2)) })
	}
}

func TestThreadsGiveTheSameBits(t *testing.T) {
	for _, impl := range cpu.Impls() {
		for _, threads := range []int{2, 3} {
			t.Run(fmt.Sprint(impl, threads), func(t *testing.T) {
				computetest.SameBits(t, newBackend(t, impl, 1), newBackend(t, impl, threads))
			})
		}
	}
}

// TestImplsGiveTheSameBits leaves out the portable kernels: they round a product before they add it.
func TestImplsGiveTheSameBits(t *testing.T) {
	var fused []string
	for _, impl := range cpu.Impls() {
		if impl != "portable" {
			fused = append(fused, impl)
		}
	}
	for i := 1; i < len(fused); i++ {
		t.Run(fused[i-1]+" "+fused[i], func(t *testing.T) {
			computetest.SameBits(t, newBackend(t, fused[i-1], 1), newBackend(t, fused[i], 1))
		})
	}
}
