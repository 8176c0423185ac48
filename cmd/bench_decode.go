package cmd

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/bench"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/urfave/cli/v2"
)

func benchDecode(t *term) *cli.Command {
	return &cli.Command{
		Name: "decode", Usage: "prompt processing and sampling, in tokens a second",
		UsageText: "burnish bench decode [--model M] [--batch N]... [--samples N] [--prompt N] [--tokens N] [--precision P]",
		Description: "A batch is so many sequences decoded together; --samples of them share a prompt. prefill is prompt tokens a second until\n" +
			"the first token, decode is tokens a second after it. of_bandwidth counts every weight and cached value once a step.\n" +
			"--tokens 1 measures prompts alone." + benchAbout +
			"  burnish bench decode --batch 1 --batch 32\n  burnish bench decode --model SmolLM2.gguf --batch 32 --samples 8 --prompt 128 --tokens 128 --json",
		Flags: []cli.Flag{
			benchModel, precisionFlag,
			&cli.IntSliceFlag{Name: "batch", Usage: "`N` sequences together; may be given again", Value: cli.NewIntSlice(1)},
			&cli.IntFlag{Name: "samples", Value: 1, Usage: "`N` sequences that share a prompt; divides the batch"},
			&cli.IntFlag{Name: "prompt", Value: 128, Usage: "`N` tokens of a prompt"},
			&cli.IntFlag{Name: "tokens", Value: 128, Usage: "`N` tokens sampled of each sequence"},
			repeatsFlag(3),
		},
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, 0, 0); err != nil {
				return err
			}
			if err := within(c, maxBenchRepeats, "repeats"); err != nil {
				return err
			}
			if err := within(c, maxBenchRows, "samples", "prompt", "tokens"); err != nil {
				return err
			}
			if err := intsWithin(c, "batch", maxBenchRows); err != nil {
				return err
			}
			return decodeSpeeds(t, c)
		},
	}
}

func decodeSpeeds(t *term, c *cli.Context) error {
	samples := c.Int("samples")
	for _, n := range c.IntSlice("batch") {
		if n%samples != 0 {
			return usagef("", fmt.Sprintf("--batch %d, want a multiple of --samples %d", n, samples))
		}
	}
	m, err := t.openFrozen(c.String("model"), c.String("precision"))
	if err != nil {
		return err
	}
	defer m.Close()
	type measured struct {
		batch int
		bench.DecodeResult
	}
	var results []measured
	for _, n := range c.IntSlice("batch") {
		if c.Context.Err() != nil {
			break
		}
		r, err := bench.Decode(c.Context, m, bench.DecodeSpec{Prompts: n / samples, Samples: samples, PromptTokens: c.Int("prompt"),
			Tokens: c.Int("tokens"), Repeats: c.Int("repeats"), ElementBytes: elementBytes(c.String("precision"))})
		if err != nil {
			return err
		}
		if r.Prefill.N > 0 {
			results = append(results, measured{n, r})
		}
	}
	l := t.limits(c)
	var rows [][]field
	for _, r := range results {
		head := []field{{"batch", r.batch}, {"samples", samples}, {"prompt_tokens", c.Int("prompt")}, {"tokens", c.Int("tokens")}}
		rows = append(rows, append(head, t.decodeFields(r.DecodeResult, l, c.String("precision"))...))
	}
	t.records(rows)
	return c.Context.Err()
}

func (t *term) decodeFields(r bench.DecodeResult, l cpu.Limits, precision string) []field {
	peak := peakOf(l, precision)
	f := append(spreadFields("prefill", r.Prefill), field{"prefill_of_peak", share(r.PrefillFlops, peak)})
	f = append(append(f, spreadFields("decode", r.Decode)...), field{"decode_of_peak", nil}, field{"of_bandwidth", nil})
	if r.Decode.N > 0 {
		f[len(f)-2].value, f[len(f)-1].value = share(r.DecodeFlops, peak), share(r.DecodeBytes, l.Bandwidth)
	}
	return append(f, t.runFields(r.Run)...)
}
