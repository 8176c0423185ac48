package cmd

import (
	"fmt"
	"math"
	"os"
	"runtime/pprof"

	"github.com/burnish-rl/burnish/internal/bench"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/urfave/cli/v2"
)

// Bounds of the bench verbs: beyond them a measurement takes hours or the whole memory.
const (
	maxBenchSeconds = 3600
	maxBenchRows    = 16384
	maxBenchRepeats = 1000
)

func benchCommand(t *term) *cli.Command {
	verbs := []*cli.Command{
		benchGEMM(t), benchAttention(t), benchTrain(t), benchDecode(t), benchGRPO(t), benchStart(t), benchGrowth(t), benchVariance(t),
	}
	for _, v := range verbs {
		v.Flags = append(v.Flags, &cli.StringFlag{Name: "profile", Usage: "`FILE` where the processor's time goes, for go tool pprof"})
		v.Action = profiled(v.Action)
	}
	return &cli.Command{
		Name: "bench", Usage: "measure the machine and this program on it",
		UsageText:   "burnish bench gemm|attention|train|decode|grpo|start|growth|variance",
		Subcommands: verbs,
	}
}

// profiled samples what a measurement spends its time on, for --profile.
func profiled(measure cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		path := c.String("profile")
		if path == "" {
			return measure(c)
		}
		f, err := os.Create(path)
		if err != nil {
			return fmt.Errorf("--profile: %w", err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return fmt.Errorf("--profile: %w", err)
		}
		defer pprof.StopCPUProfile()
		return measure(c)
	}
}

// benchAbout ends the description of every bench verb.
const benchAbout = " Speeds stand beside their share of the machine's measured limit. Measure when nothing else runs: other_cores\n" +
	"says how many cores other processes kept busy. Ctrl-C ends with what was measured.\n\nExamples:\n"

// benchModel is the model of a measurement.
var benchModel = &cli.StringFlag{Name: "model", Aliases: []string{"m"}, Value: "builtin:tiny",
	Usage: "`M` builtin:tiny, a .gguf file, a model folder, or a run folder"}

func repeatsFlag(n int) cli.Flag {
	return &cli.IntFlag{Name: "repeats", Value: n, Usage: "`N` measurements, after one that does not count"}
}

// backendOf is the backend of --precision and --threads.
func (t *term) backendOf(c *cli.Context) (*cpu.Backend, error) { return t.backendWith(c, t.threads) }

func (t *term) backendWith(c *cli.Context, threads int) (*cpu.Backend, error) {
	p := c.String("precision")
	if p != "f32" && p != "bf16" {
		return nil, usagef("", fmt.Sprintf("--precision %q, want f32 or bf16", p))
	}
	return cpu.Open(cpu.Options{Threads: threads, BF16: p == "bf16"})
}

// within checks flags that have an upper bound, one after the other.
func within(c *cli.Context, most int, names ...string) error {
	for _, name := range names {
		if v := c.Int(name); v < 1 || v > most {
			return usagef("", fmt.Sprintf("%s %d, want 1 to %d", dashed(name), v, most))
		}
	}
	return nil
}

// intsWithin checks a flag of several numbers.
func intsWithin(c *cli.Context, name string, most int) error {
	for _, v := range c.IntSlice(name) {
		if v < 1 || v > most {
			return usagef("", fmt.Sprintf("%s %d, want 1 to %d", dashed(name), v, most))
		}
	}
	return nil
}

func wantSeconds(c *cli.Context) error {
	if s := c.Float64("seconds"); !(s > 0 && s <= maxBenchSeconds) {
		return usagef("", fmt.Sprintf("--seconds %v, want more than 0 and at most %d", s, maxBenchSeconds))
	}
	return nil
}

// limits measures what the machine can do, after the work, whose memory it would otherwise add to.
func (t *term) limits(c *cli.Context) cpu.Limits { return cpu.MeasureLimits(c.Context, t.threads) }

// peakOf is the limit of GFLOP/s in a precision: that of BF16 dot products where the machine has them.
func peakOf(l cpu.Limits, precision string) float64 {
	if precision == "bf16" && l.BF16 > 0 {
		return l.BF16
	}
	return l.F32
}

// share is a part of a limit, null when the limit is not known.
func share(v, of float64) any {
	if of == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return math.Round(v/of*1e4) / 1e4
}

// spreadFields are a median with what was the least and the most.
func spreadFields(name string, s bench.Spread) []field {
	if s.N == 0 {
		return []field{{name, nil}, {name + "_min", nil}, {name + "_max", nil}}
	}
	return []field{{name, s.Median}, {name + "_min", s.Min}, {name + "_max", s.Max}}
}

// runFields end every record.
func (t *term) runFields(r bench.Run) []field {
	f := []field{{"peak_rss", nil}, {"other_cores", cores(r.Foreign)}}
	if r.PeakRSS > 0 {
		f[0].value = t.bytes(r.PeakRSS)
	}
	return f
}

// cores are what other processes kept busy, null when it is not known.
func cores(v float64) any {
	if math.IsNaN(v) {
		return nil
	}
	return math.Round(v*100) / 100
}
