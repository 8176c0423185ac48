package bench

import (
	"os"
	"runtime"
	"strings"

	"github.com/burnish-rl/burnish/internal/machine"
	"github.com/klauspost/cpuid/v2"
)

// Machine is what the computer says of itself. What can't be known is empty or 0.
type Machine struct {
	CPU, Vendor string
	Cores       int // that Go may use
	Features    []string
	L1, L2, L3  int    // bytes of data cache
	Memory      int64  // bytes
	Free        int64  // bytes that a run could have now
	HugePages   string // always, madvise or never
}

// features are the ones that decide which kernels run.
var features = []struct {
	name string
	id   cpuid.FeatureID
}{{"AVX2", cpuid.AVX2}, {"FMA", cpuid.FMA3}, {"AVX512F", cpuid.AVX512F}, {"AVX512BF16", cpuid.AVX512BF16}, {"ASIMD", cpuid.ASIMD}}

// ThisMachine asks the processor and the kernel.
func ThisMachine() Machine {
	m := Machine{
		CPU: strings.TrimSpace(cpuid.CPU.BrandName), Vendor: cpuid.CPU.VendorString, Cores: runtime.GOMAXPROCS(0),
		L1: max(0, cpuid.CPU.Cache.L1D), L2: max(0, cpuid.CPU.Cache.L2), L3: max(0, cpuid.CPU.Cache.L3),
	}
	m.Memory, _ = machine.TotalMemory()
	m.Free, _ = machine.FreeMemory()
	for _, f := range features {
		if cpuid.CPU.Supports(f.id) {
			m.Features = append(m.Features, f.name)
		}
	}
	data, _ := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if _, after, ok := strings.Cut(string(data), "["); ok {
		m.HugePages, _, _ = strings.Cut(after, "]")
	}
	return m
}
