package cmd

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/burnish-rl/burnish/policy"
	"github.com/urfave/cli/v2"
)

func modelCommand(t *term) *cli.Command {
	verb := func(name, use, args, about, examples string, action func(*term, *cli.Context) error, flags ...cli.Flag) *cli.Command {
		return &cli.Command{
			Name: name, Usage: use, UsageText: "burnish model " + name + " M" + args,
			Description: about + "\n\nExamples:\n" + examples, Flags: flags,
			Action: func(c *cli.Context) error {
				if err := wantArgs(c, 1, 1); err != nil {
					return err
				}
				return action(t, c)
			},
		}
	}
	in := &cli.StringFlag{Name: "in", Usage: "`FILE` read this instead of standard input"}
	return &cli.Command{
		Name: "model", Usage: "look into a model, score text with it, convert it",
		UsageText: "burnish model info|tokenize|render|logprobs|implicit-reward|convert M",
		Subcommands: []*cli.Command{
			verb("info", "shape, tokenizer, template and end tokens", " [--json]", "M is builtin:tiny, a .gguf file, a model folder, or a run folder.",
				"  burnish model info builtin:tiny\n  burnish model info SmolLM2.gguf --json", modelInfo),
			verb("tokenize", `{"text"} lines to {"ids"} lines`, " [--in FILE]", "Special tokens in the text are recognised; none is added.",
				"  echo '{\"text\":\"Hello\"}' | burnish model tokenize builtin:tiny\n  burnish model tokenize SmolLM2.gguf --in lines.jsonl", modelTokenize, in),
			verb("render", `{"messages","add_generation_prompt"} lines to {"text","ids"} lines`, " [--in FILE]", "The model's own chat template.",
				"  echo '{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"add_generation_prompt\":true}' | burnish model render builtin:tiny\n  burnish model render SmolLM2.gguf --in chats.jsonl", modelRender, in),
			verb("logprobs", `score {"prompt","completion"} or {"prompt_ids","completion_ids"} lines`, " [--in FILE] [--temperature T]",
				"Each line gives {\"logprobs\",\"entropy\",\"sum_p2\"}, one value a completion token. A run's completions.jsonl gives the same bits that were sampled.",
				"  burnish model logprobs builtin:tiny --in runs/quickstart/completions.jsonl\n  echo '{\"prompt\":\"2+2=\",\"completion\":\"4\"}' | burnish model logprobs builtin:tiny",
				modelLogprobs, in, &cli.Float64Flag{Name: "temperature", Usage: "`T` temperature, which divides the logits", Value: 1},
				&cli.IntFlag{Name: "batch", Usage: "`N` lines scored together; changes no bit", Value: 16}, precisionFlag),
			verb("implicit-reward", "what training made a model prefer, along a text", " [--reference M] [--text TEXT | --in FILE] [--svg FILE]",
				implicitUsage, implicitExamples, modelImplicit, referenceFlag, betaFlag, in,
				&cli.StringFlag{Name: "text", Usage: "`TEXT` the text, as it is"},
				&cli.StringFlag{Name: "prompt", Usage: "`TEXT` what stands before it, as it is"},
				&cli.StringFlag{Name: "svg", Usage: "`FILE` also draw the texts into it"}, precisionFlag),
			verb("convert", "write a Hugging Face folder", " --out DIR [--dtype F32|BF16|F16]", "An adapter is merged. transformers loads the folder as it is.",
				"  burnish model convert SmolLM2.gguf --out smollm2\n  burnish model convert runs/quickstart --out tuned --dtype BF16", modelConvert,
				&cli.StringFlag{Name: "out", Usage: "`DIR` folder to write; it must not exist"},
				&cli.StringFlag{Name: "dtype", Usage: "`TYPE` type of the weights: F32, BF16 or F16", Value: "F32"}),
		},
	}
}

func (t *term) openArg(c *cli.Context) (*policy.Model, error) {
	return t.openFrozen(c.Args().First(), c.String("precision"))
}

func modelInfo(t *term, c *cli.Context) error {
	m, err := t.openArg(c)
	if err != nil {
		return err
	}
	cfg := m.Config()
	params := 0
	for _, p := range m.Params() {
		params += p.Size()
	}
	var ends []string
	for _, id := range m.EndTokens() {
		ends = append(ends, fmt.Sprintf("%d %q", id, m.Tokenizer().Token(id)))
	}
	rows := []field{
		{"model", m.From()}, {"family", cfg.ModelType}, {"parameters", params}, {"layers", cfg.Layers}, {"hidden", cfg.Hidden},
		{"inner", cfg.Inner}, {"heads", cfg.Heads}, {"kv_heads", cfg.KVHeads}, {"head_dim", cfg.HeadDim}, {"vocabulary", cfg.Vocab},
		{"context", cfg.MaxPositions}, {"rope_theta", cfg.RopeTheta}, {"norm_eps", float64(cfg.NormEps)}, {"tied_head", cfg.Tied},
		{"tokens", m.Tokenizer().Size()}, {"end_tokens", ends}, {"chat_template", m.HasTemplate()},
	}
	if l := m.Adapter(); l != nil {
		rows = append(rows, field{"adapter", fmt.Sprintf("lora rank %d alpha %g on %v", l.Rank, l.Alpha, l.Targets)})
	}
	t.fields(rows)
	return nil
}

func modelTokenize(t *term, c *cli.Context) error {
	m, err := t.openArg(c)
	if err != nil {
		return err
	}
	return t.eachLine(c, func(line []byte) error {
		var q struct {
			Text *string `json:"text"`
		}
		if err := decodeLine(line, &q); err != nil {
			return err
		}
		if q.Text == nil {
			return fmt.Errorf("no \"text\" in it")
		}
		t.object([]field{{"ids", nonNil(m.Encode(*q.Text))}})
		return nil
	})
}

func modelRender(t *term, c *cli.Context) error {
	m, err := t.openArg(c)
	if err != nil {
		return err
	}
	return t.eachLine(c, func(line []byte) error {
		var q struct {
			Messages []policy.Message `json:"messages"`
			Prompt   bool             `json:"add_generation_prompt"`
		}
		if err := decodeLine(line, &q); err != nil {
			return err
		}
		text, ids, err := m.Render(q.Messages, q.Prompt)
		if err != nil {
			return err
		}
		t.object([]field{{"text", text}, {"ids", nonNil(ids)}})
		return nil
	})
}

// nonNil makes JSON say [] and not null.
func nonNil(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}

func modelConvert(t *term, c *cli.Context) error {
	out := c.String("out")
	if out == "" {
		return usagef("for example --out converted", "--out is missing")
	}
	if _, err := os.Stat(out); err == nil {
		return usagef("choose another folder", out+" exists already")
	}
	m, err := t.openArg(c)
	if err != nil {
		return err
	}
	parent := filepath.Dir(filepath.Clean(out))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	partial, err := os.MkdirTemp(parent, ".converting-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial) // nothing half-written stays
	if err := m.Save(partial, c.String("dtype")); err != nil {
		return err
	}
	if err := os.Chmod(partial, 0o755); err != nil {
		return err
	}
	if err := os.Rename(partial, out); err != nil {
		return err
	}
	t.fields([]field{{"wrote", out}, {"dtype", c.String("dtype")}})
	return nil
}
