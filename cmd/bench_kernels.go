package cmd

import (
	"math"

	"github.com/burnish-rl/burnish/internal/bench"
	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/urfave/cli/v2"
)

func benchGEMM(t *term) *cli.Command {
	return &cli.Command{
		Name: "gemm", Usage: "matrix products of SmolLM2-135M's shapes, in GFLOP/s",
		UsageText: "burnish bench gemm [--rows N]... [--seconds S] [--cold] [--precision P]",
		Description: "forward is y = x·Wᵀ, grad_x and grad_w its gradients; each is the fastest of ten parts of the time. of_peak are their\n" +
			"shares of the machine's GFLOP/s, of_bandwidth is what forward reads of W as a share of GB/s: the limit of few rows." +
			benchAbout + "  burnish bench gemm\n  burnish bench gemm --rows 1 --rows 8 --json",
		Flags: []cli.Flag{
			&cli.IntSliceFlag{Name: "rows", Usage: "`N` rows of x; may be given again", Value: cli.NewIntSlice(256)},
			&cli.Float64Flag{Name: "seconds", Usage: "`S` seconds for each product", Value: 0.5}, precisionFlag,
			&cli.BoolFlag{Name: "cold", Usage: "take another matrix each time, so that none comes from a cache"},
		},
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, 0, 0); err != nil {
				return err
			}
			if err := intsWithin(c, "rows", maxBenchRows); err != nil {
				return err
			}
			if err := wantSeconds(c); err != nil {
				return err
			}
			b, err := t.backendOf(c)
			if err != nil {
				return err
			}
			m := bench.StartMeter()
			results := cpu.BenchGEMM(c.Context, b, c.IntSlice("rows"), c.Float64("seconds"), c.Bool("cold"))
			t.gemmRecords(results, t.limits(c), c.String("precision"), m.Foreign())
			return c.Context.Err()
		},
	}
}

func (t *term) gemmRecords(results []cpu.GEMMResult, l cpu.Limits, precision string, others float64) {
	peak := peakOf(l, precision)
	var rows [][]field
	for _, r := range results {
		read := r.MatMul / float64(2*r.Rows) * float64(elementBytes(precision))
		rows = append(rows, []field{{"kernel", r.Kernel}, {"rows", r.Rows}, {"n", r.Shape.N}, {"k", r.Shape.K},
			{"forward", r.MatMul}, {"grad_x", r.GradX}, {"grad_w", r.GradW},
			{"forward_of_peak", share(r.MatMul, peak)}, {"grad_x_of_peak", share(r.GradX, peak)}, {"grad_w_of_peak", share(r.GradW, peak)},
			{"of_bandwidth", share(read, l.Bandwidth)}, {"other_cores", cores(others)}})
	}
	t.records(rows)
}

// elementBytes is the size of a weight.
func elementBytes(precision string) int {
	if precision == "bf16" {
		return 2
	}
	return 4
}

const maxAttentionRows = 1 << 18

func benchAttention(t *term) *cli.Command {
	return &cli.Command{
		Name: "attention", Usage: "one layer's attention, in GFLOP/s",
		UsageText: "burnish bench attention [--length N]... [--batch N] [--seconds S] [--precision P]",
		Description: "forward and grad are of packed causal sequences, decode is one token of each over the paged cache and decode_of_bandwidth\n" +
			"what it reads of keys and values. The heads are SmolLM2-135M's: 9 of queries and 3 of keys, 64 wide." +
			benchAbout + "  burnish bench attention\n  burnish bench attention --length 128 --length 4096 --batch 1 --json",
		Flags: []cli.Flag{
			&cli.IntSliceFlag{Name: "length", Usage: "`N` tokens of a sequence; may be given again", Value: cli.NewIntSlice(128, 512, 2048)},
			&cli.IntFlag{Name: "batch", Usage: "`N` sequences", Value: 4},
			&cli.Float64Flag{Name: "seconds", Usage: "`S` seconds for each kernel", Value: 0.5}, precisionFlag,
		},
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, 0, 0); err != nil {
				return err
			}
			if err := within(c, maxBenchRows, "batch"); err != nil {
				return err
			}
			if err := intsWithin(c, "length", maxAttentionRows/c.Int("batch")); err != nil {
				return err
			}
			if err := wantSeconds(c); err != nil {
				return err
			}
			b, err := t.backendOf(c)
			if err != nil {
				return err
			}
			var shapes []cpu.AttentionShape
			for _, n := range c.IntSlice("length") {
				shapes = append(shapes, cpu.AttentionShape{Heads: compute.Heads{Q: 9, KV: 3, D: 64}, Batch: c.Int("batch"), Length: n})
			}
			m := bench.StartMeter()
			results := cpu.BenchAttention(c.Context, b, shapes, c.Float64("seconds"))
			l, others := t.limits(c), m.Foreign()
			peak := peakOf(l, "f32") // bf16 is widened: the attention computes in float32
			var rows [][]field
			for _, r := range results {
				rows = append(rows, []field{{"kernel", r.Kernel}, {"batch", r.Shape.Batch}, {"length", r.Shape.Length},
					{"forward", r.Forward}, {"grad", r.Grad}, {"decode", r.Decode},
					{"forward_of_peak", share(r.Forward, peak)}, {"grad_of_peak", share(r.Grad, peak)},
					{"decode_of_bandwidth", share(r.DecodeRead, l.Bandwidth)}, {"other_cores", cores(others)}})
			}
			t.records(rows)
			return c.Context.Err()
		},
	}
}

// finite is a number, null when it is none.
func finite(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}
