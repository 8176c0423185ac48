package cmd

import (
	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy"
	"github.com/urfave/cli/v2"
)

// backend computes in a precision, float32 if it is "".
func (t *term) backend(precision string) (compute.Backend, error) {
	b, err := policy.CPU(policy.CPUOptions{Threads: t.threads, Precision: precision})
	if err != nil {
		return nil, usagef("", "--precision: "+err.Error())
	}
	return b, nil
}

// modelFlag names a model.
var modelFlag = &cli.StringFlag{Name: "model", Aliases: []string{"m"}, Usage: "`M` builtin:tiny, a .gguf file, a model folder, or a run folder"}

// precisionFlag says how activations, the cache and weights that aren't trained are kept.
var precisionFlag = &cli.StringFlag{Name: "precision", Usage: "`P` f32, or bf16: half the memory", Value: policy.F32}

// open loads the model of --model.
func (t *term) open(c *cli.Context) (*policy.Model, error) {
	from := c.String("model")
	if from == "" {
		return nil, usagef("for example --model builtin:tiny", "--model is missing")
	}
	return t.openFrozen(from, c.String("precision"))
}

// openFrozen loads a model that only answers.
func (t *term) openFrozen(from, precision string) (*policy.Model, error) {
	b, err := t.backend(precision)
	if err != nil {
		return nil, err
	}
	m, err := policy.Open(from, b)
	if err == nil {
		m.Freeze()
	}
	return m, err
}

// decodingFlags are the flags of verbs that sample.
func decodingFlags(temperature float64, maxTokens int) []cli.Flag {
	return []cli.Flag{
		&cli.Float64Flag{Name: "temperature", Usage: "`T` temperature, which divides the logits; 0 is greedy", Value: temperature},
		&cli.IntFlag{Name: "top-k", Usage: "`K` keep this many likeliest tokens; 0 is all"},
		&cli.Float64Flag{Name: "top-p", Usage: "`P` keep the likeliest tokens up to this share of the mass; 0 is all"},
		&cli.Float64Flag{Name: "min-p", Usage: "`P` keep tokens with this share of the likeliest's probability; 0 is all"},
		&cli.IntFlag{Name: "max-tokens", Usage: "`N` longest completion, in tokens", Value: maxTokens},
		&cli.StringSliceFlag{Name: "stop", Usage: "`TEXT` text that ends a completion; may be given again"},
		&cli.Uint64Flag{Name: "seed", Usage: "`N` seed of every draw", Value: 1},
	}
}

func decoding(c *cli.Context) policy.Decoding {
	d := policy.Decoding{MaxTokens: c.Int("max-tokens"), Stop: c.StringSlice("stop"), Seed: c.Uint64("seed")}
	d.Temperature, d.TopK = float32(c.Float64("temperature")), c.Int("top-k")
	d.TopP, d.MinP = float32(c.Float64("top-p")), float32(c.Float64("min-p"))
	return d
}
