package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/burnish-rl/burnish/internal/bench"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/urfave/cli/v2"
)

func doctorCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "what this machine has, whether the kernels are right on it, and how near they come to its limit",
		UsageText: "burnish doctor [--json] [--threads N]",
		Description: "Every kernel set that can run here is compared with the portable one on random data of odd sizes, in f32 and in\n" +
			"bf16: 'ok', or what differs, as a share of the largest value, and then the exit code is 1. Peaks are measured by multiply-adds that stay in\n" +
			"registers, the bandwidth by reading 256 MB. The speeds of 1, 8, 32 and 256 rows are those of SmolLM2-135M's matrices.\n\n" +
			"Examples:\n  burnish doctor\n  burnish doctor --json --threads 1",
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, 0, 0); err != nil {
				return err
			}
			wrong, err := t.checkKernels()
			if err != nil {
				return err
			}
			if err := errors.Join(t.measureMachine(c.Context), c.Context.Err()); err != nil {
				return err
			}
			if wrong != "" {
				return hinted{fmt.Errorf("kernels: %s: found results that differ from the portable set's", wrong),
					"don't train on this machine, and please report this with the output of 'burnish doctor --json'"}
			}
			return nil
		},
	}
}

// checkKernels prints what the machine is and what each kernel set gives. wrong names the first that fails.
func (t *term) checkKernels() (wrong string, err error) {
	m, sets := bench.ThisMachine(), cpu.Impls()
	t.section("machine", []field{
		{"cpu", m.CPU}, {"vendor", m.Vendor}, {"cores", m.Cores}, {"threads", cpu.New(t.threads).Threads()}, {"features", m.Features},
		{"l1", t.cache(m.L1)}, {"l2", t.cache(m.L2)}, {"l3", t.cache(m.L3)},
		{"memory", t.bytes(m.Memory)}, {"memory_free", t.bytes(m.Free)}, {"huge_pages", orNone(m.HugePages)},
		{"kernels", sets}, {"kernels_used", sets[len(sets)-1]},
	})
	for _, set := range sets {
		for _, precision := range []string{policy.F32, policy.BF16} {
			results, err := bench.Check(set, precision == policy.BF16, t.threads)
			if err != nil {
				return "", err
			}
			if found := t.checkSet(set, precision, results); wrong == "" && found != "" {
				wrong = set + ", " + precision + ": " + found
			}
		}
	}
	return wrong, nil
}

// checkSet prints what one kernel set gives in one precision: its largest difference, or each that is too large.
func (t *term) checkSet(set, precision string, results []bench.CheckResult) (wrong string) {
	largest := 0.0
	for _, r := range results {
		largest = max(largest, r.Diff)
		if r.OK() {
			continue
		}
		t.checkLine(set, precision, r.Work, false, r.Diff, r.Bound)
		if wrong == "" {
			wrong = r.Work
		}
	}
	if wrong == "" {
		t.checkLine(set, precision, fmt.Sprintf("%d kernels", len(results)), true, largest, results[0].Bound)
	}
	return wrong
}

func (t *term) checkLine(set, precision, work string, ok bool, difference, bound float64) {
	if t.json {
		t.object([]field{{"kind", "check"}, {"kernels", set}, {"precision", precision}, {"work", work}, {"ok", ok},
			{"difference", finite(difference)}, {"bound", bound}})
		return
	}
	verdict := "ok"
	if !ok {
		verdict = "FAILED"
	}
	t.print(fmt.Sprintf("%-10s  %-4s  %s: %s, largest difference %s of %s\n", set, precision, work, verdict, text(difference), text(bound)))
}

// doctorRows are the rows of x whose products are measured.
var doctorRows = []int{1, 8, 32, 256}

// measureMachine prints the machine's limits and what the products reach of them.
func (t *term) measureMachine(ctx context.Context) error {
	const seconds = 0.1
	b := cpu.New(t.threads)
	m := bench.StartMeter()
	results := cpu.BenchGEMM(ctx, b, doctorRows, seconds, false)
	l, others := cpu.MeasureLimits(ctx, t.threads), m.Foreign()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	limits := []field{{"f32_gflops_core", l.F32Core}, {"f32_gflops", l.F32}, {"f32_by", l.Chain}, {"bf16_gflops_core", nil}, {"bf16_gflops", nil},
		{"read_gbs", l.Bandwidth}, {"other_cores", cores(others)}}
	if l.BF16 > 0 {
		limits[3].value, limits[4].value = l.BF16Core, l.BF16
	}
	t.section("limits", limits)
	if !t.json {
		t.print("\n")
	}
	t.gemmRecords(results, l, "f32", others)
	return nil
}

// section prints a record with its kind, after an empty line for people.
func (t *term) section(kind string, rows []field) {
	if t.json {
		t.object(append([]field{{"kind", kind}}, rows...))
		return
	}
	if kind != "machine" {
		t.print("\n")
	}
	t.fields(rows)
	if kind == "machine" {
		t.print("\n")
	}
}

func orNone(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// cache is a size in bytes for machines, in binary kilobytes for people.
func (t *term) cache(n int) any {
	if t.json {
		return n
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
