package cmd

import (
	"os"
	"path/filepath"
	"runtime"

	"github.com/burnish-rl/burnish/internal/bench"
	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/urfave/cli/v2"
)

func benchGrowth(t *term) *cli.Command {
	return &cli.Command{
		Name: "growth", Usage: "tokens a second against batch, length and threads",
		UsageText: "burnish bench growth [--model M] [--out DIR] [--batch N]... [--length N]... [--at N]... [--precision P]",
		Description: "Decoding against the batch, prompt processing and training against the length. --out writes growth.md, the tables, and\n" +
			"growth.svg, a picture. SmolLM2 takes some ten minutes with --repeats 1." + benchAbout +
			"  burnish bench growth\n  burnish bench growth --model SmolLM2.gguf --out docs/performance --repeats 1",
		Flags: []cli.Flag{
			benchModel, precisionFlag,
			&cli.StringFlag{Name: "out", Usage: "`DIR` folder to write growth.md and growth.svg to"},
			&cli.IntSliceFlag{Name: "batch", Usage: "`N` sequences decoded together; may be given again", Value: cli.NewIntSlice(1, 2, 4, 8, 16, 32, 64, 128)},
			&cli.IntSliceFlag{Name: "length", Usage: "`N` tokens of a sequence; may be given again; what the model's context has no room for is left out", Value: cli.NewIntSlice(128, 256, 512, 1024, 2048, 4096)},
			&cli.IntSliceFlag{Name: "at", Usage: "`N` threads; may be given again; 1 and all unless given"},
			&cli.IntFlag{Name: "prompt", Value: 128, Usage: "`N` tokens of a decoded prompt"},
			&cli.IntFlag{Name: "tokens", Value: 32, Usage: "`N` tokens sampled of each sequence"},
			&cli.IntFlag{Name: "rows", Value: 1024, Usage: "`N` tokens of a training step at least"},
			repeatsFlag(3),
		},
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, 0, 0); err != nil {
				return err
			}
			if err := within(c, maxBenchRepeats, "repeats"); err != nil {
				return err
			}
			if err := within(c, maxBenchRows, "prompt", "tokens", "rows"); err != nil {
				return err
			}
			for _, name := range []string{"batch", "length", "at"} {
				if err := intsWithin(c, name, maxBenchRows); err != nil {
					return err
				}
			}
			return growth(t, c)
		},
	}
}

func growth(t *term, c *cli.Context) error {
	threads := c.IntSlice("at")
	switch {
	case len(threads) == 0 && t.threads > 0:
		threads = []int{t.threads}
	case len(threads) == 0:
		threads = []int{1}
		if all := runtime.GOMAXPROCS(0); all > 1 {
			threads = append(threads, all)
		}
	case t.threads > 0:
		return usagef("--at is the one that may be given again", "--threads and --at are both given")
	}
	out := c.String("out")
	if out != "" {
		if err := os.MkdirAll(out, 0o755); err != nil { // before minutes of work
			return err
		}
	}
	precision := c.String("precision")
	points, err := bench.Growth(c.Context, bench.GrowthSpec{
		Model: c.String("model"), Precision: precision, Threads: threads, Batches: c.IntSlice("batch"), Lengths: c.IntSlice("length"),
		PromptTokens: c.Int("prompt"), Tokens: c.Int("tokens"), Rows: c.Int("rows"), Repeats: c.Int("repeats"), ElementBytes: elementBytes(precision),
		Backend: func(n int) (compute.Backend, error) { return t.backendWith(c, n) },
		Tell: func(p bench.GrowthPoint) {
			t.note("%s, %d threads, %d: %.5g tokens/s", p.Work, p.Threads, p.X, p.PerSecond.Median)
		},
	})
	if err != nil {
		return err
	}
	var rows [][]field
	for _, p := range points {
		row := append([]field{{"work", string(p.Work)}, {"threads", p.Threads}, {"at", p.X}}, spreadFields("tokens_per_second", p.PerSecond)...)
		rows = append(rows, append(row, t.runFields(p.Run)...))
	}
	t.records(rows)
	if out != "" && len(points) > 0 {
		for name, text := range map[string]string{"growth.md": bench.GrowthTable(points), "growth.svg": bench.GrowthPicture(points)} {
			if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return c.Context.Err()
}
