package cmd

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/urfave/cli/v2"
)

// Bounds of bench gemm: a product of so many rows takes seconds and gigabytes.
const (
	maxBenchSeconds = 3600
	maxBenchRows    = 16384
)

func benchCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "bench", Usage: "measure the machine", UsageText: "burnish bench gemm",
		Subcommands: []*cli.Command{{
			Name: "gemm", Usage: "matrix products of SmolLM2-135M's shapes, in GFLOP/s", UsageText: "burnish bench gemm [--rows N]... [--seconds S]",
			Description: "forward is y = x·Wᵀ, grad_x and grad_w its gradients. Measure when nothing else runs.\n\nExamples:\n  burnish bench gemm\n  burnish bench gemm --rows 1 --rows 8 --json",
			Flags: []cli.Flag{
				&cli.IntSliceFlag{Name: "rows", Usage: "`N` rows of x; may be given again", Value: cli.NewIntSlice(256)},
				&cli.Float64Flag{Name: "seconds", Usage: "`S` seconds for each product", Value: 0.5},
			},
			Action: func(c *cli.Context) error {
				if err := wantArgs(c, 0, 0); err != nil {
					return err
				}
				for _, r := range c.IntSlice("rows") {
					if r < 1 || r > maxBenchRows {
						return usagef("", fmt.Sprintf("--rows %d, want 1 to %d", r, maxBenchRows))
					}
				}
				if s := c.Float64("seconds"); !(s > 0 && s <= maxBenchSeconds) {
					return usagef("", fmt.Sprintf("--seconds %v, want more than 0 and at most %d", s, maxBenchSeconds))
				}
				var rows [][]field
				for _, r := range cpu.BenchGEMM(c.Context, t.threads, c.IntSlice("rows"), c.Float64("seconds")) {
					rows = append(rows, []field{{"kernel", r.Kernel}, {"rows", r.Rows}, {"n", r.Shape.N}, {"k", r.Shape.K},
						{"forward", r.MatMul}, {"grad_x", r.GradX}, {"grad_w", r.GradW}})
				}
				t.records(rows)
				return c.Context.Err()
			},
		}},
	}
}
