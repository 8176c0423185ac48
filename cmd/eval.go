package cmd

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/train/eval"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/urfave/cli/v2"
)

func evalCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "eval", Usage: "measure a model on the tasks of an environment",
		UsageText: "burnish eval ENV --model M|RUN [--reference M|--adapter-off] [--limit N] [--out FILE] [--set k=v]...",
		Description: "Greedy unless --temperature says otherwise; every share is of all items, with a Wilson 95% interval. --reference and --adapter-off add the answers' implicit reward\nbeta*log(p/p_ref) against another model, in nats at temperature 1: the sum over an answer's tokens, and their mean.\n\nExamples:\n" +
			"  burnish eval arith-json --model builtin:tiny --limit 100 --temperature 1\n" +
			"  burnish eval arith-json --model runs/quickstart --reference builtin:tiny --limit 100\n" +
			"  burnish eval gsm8k-json --set path=data/gsm8k --model SmolLM2.gguf --limit 20 --out answers.jsonl",
		Flags: append([]cli.Flag{
			modelFlag, precisionFlag, referenceFlag, adapterOffFlag, betaFlag,
			envOption,
			&cli.IntFlag{Name: "limit", Usage: "`N` most tasks; 0 is all of them"},
			&cli.StringFlag{Name: "out", Usage: "`FILE` write every answer to it, as JSON lines"},
		}, decodingFlags(0, 512)...),
		Action: func(c *cli.Context) error { return evaluate(t, c) },
	}
}

func evaluate(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, 1); err != nil {
		return err
	}
	if err := wantAtLeast(c, "limit", 0); err != nil {
		return err
	}
	if path := c.String("out"); path != "" { // found out now, not after the work
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return usagef("make it first", fmt.Sprintf("--out %s: %s is no folder", path, filepath.Dir(path)))
		}
	}
	settings := c.StringSlice("set")
	if !hasSetting(settings, "split") { // held-out tasks, where the environment has such
		settings = append(settings, "split=test")
	}
	name := c.Args().First()
	options, err := recipes.EnvOptions(name, settings)
	if err != nil {
		return err
	}
	env, err := options.Open()
	if err != nil {
		return err
	}
	m, err := t.open(c)
	if err != nil {
		return err
	}
	limit := c.Int("limit")
	start := time.Now()
	shown := time.Now()
	against, err := t.implicitOf(c, m)
	if err != nil {
		return err
	}
	out, err := eval.Run(c.Context, m, env, eval.Options{Limit: limit, Decoding: decoding(c), Implicit: against, Progress: func(done, total int) {
		if t.live && !t.quiet && time.Since(shown) > redrawEvery {
			shown = time.Now()
			t.redraw([]string{fmt.Sprintf("%s  %d/%d answered", progressBar(done, total, 24), done, total)})
		}
	}})
	if err != nil {
		return err
	}
	t.clear()
	t.report(out.Report, eval.SettingOf(name, options, out.Report.Kind, out.Report.Items, decoding(c)))
	if path := c.String("out"); path != "" {
		if err := writeAnswers(path, out); err != nil {
			return fmt.Errorf("--out %s: %w", path, err)
		}
	}
	tokens := 0
	for _, a := range out.Answers {
		tokens += len(a.Tokens)
	}
	took := time.Since(start)
	t.note("%d items in %s, %.1f sampled tokens/s", out.Report.Items, took.Round(time.Second), float64(tokens)/took.Seconds())
	return nil
}

func writeAnswers(path string, out eval.Outcome) error {
	var b bytes.Buffer
	for i, a := range out.Answers {
		line := answerLine{a.Index, a.Task.ID, a.Text, string(a.Stop), len(a.Tokens), a.Task.Reference, a.IDs, a.Tokens, a.LogProbs, nil}
		if out.Implicit != nil {
			line.Implicit = &out.Implicit[i]
		}
		b.Write(encode(line))
		b.WriteByte('\n')
	}
	return run.Replace(path, b.Bytes())
}

type answerLine struct {
	Index         int       `json:"index"`
	ID            string    `json:"id"`
	Text          string    `json:"text"`
	Stop          string    `json:"stop"`
	Tokens        int       `json:"tokens"`
	Reference     string    `json:"reference"`
	PromptIDs     []int32   `json:"prompt_ids"`
	CompletionIDs []int32   `json:"completion_ids"`
	LogProbs      []float32 `json:"logprobs"`
	Implicit      *float64  `json:"implicit_reward,omitempty"`
}

// report prints the metrics with their intervals, and how they were made: a line above the table, or fields of each object.
func (t *term) report(r eval.Report, s eval.Setting) {
	if !t.json {
		t.print(s.String() + "\n")
	}
	var rows [][]field
	for _, m := range r.Metrics {
		rows = append(rows, []field{{"metric", m.Name}, {"value", number(m.Value)}, {"low", number(m.Low)}, {"high", number(m.High)}, {"n", m.N}, {"unit", m.Unit}})
		if t.json {
			rows[len(rows)-1] = append(rows[len(rows)-1], field{"env", s.Env}, field{"split", s.Split}, field{"decoding", s.Decoding}, field{"scorer", s.Scorer})
		}
	}
	t.records(rows)
}

// number is nil for NaN, which JSON has no word for.
func number(v float64) any {
	if math.IsNaN(v) {
		return nil
	}
	return v
}

func hasSetting(settings []string, key string) bool {
	for _, s := range settings {
		if len(s) > len(key) && s[:len(key)+1] == key+"=" {
			return true
		}
	}
	return false
}
