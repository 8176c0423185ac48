package cmd

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/bench"
)

// Each kernel that is wrong has its line, the first one is the error's; NaN is wrong.
func TestDoctorNamesWrongKernels(t *testing.T) {
	results := []bench.CheckResult{
		{Kernels: "avx2", Work: "matmul", Diff: 1e-7, Bound: 1e-5},
		{Kernels: "avx2", Work: "rope", Diff: math.NaN(), Bound: 1e-5},
		{Kernels: "avx2", Work: "adamw", Diff: 0.5, Bound: 1e-5},
	}
	var out bytes.Buffer
	got := newTerm(nil, &out, &out).checkSet("avx2", "f32", results)
	if got != "rope" || strings.Count(out.String(), "FAILED") != 2 || strings.Contains(out.String(), "ok,") || !strings.Contains(out.String(), "adamw: FAILED, largest difference 0.5") {
		t.Errorf("found %q, printed:\n%s", got, out.String())
	}
	out.Reset()
	if got := newTerm(nil, &out, &out).checkSet("avx2", "f32", results[:1]); got != "" || !strings.Contains(out.String(), "1 kernels: ok, largest difference 1e-07") {
		t.Errorf("found %q, printed:\n%s", got, out.String())
	}
}
