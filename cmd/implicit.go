package cmd

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/train/eval"
	"github.com/burnish-rl/burnish/train/implicit"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/urfave/cli/v2"
)

var (
	// referenceFlag names the model that another is measured against.
	referenceFlag = &cli.StringFlag{Name: "reference", Usage: "`M` model that the implicit reward is measured against"}
	// adapterOffFlag is the other way to name one.
	adapterOffFlag = &cli.BoolFlag{Name: "adapter-off", Usage: "measure the implicit reward against the model with its adapter switched off"}
	betaFlag       = &cli.Float64Flag{Name: "beta", Usage: "`B` scale of the implicit reward", Value: 1}
)

// implicitUsage is the help of model implicit-reward.
const implicitUsage = `What training has made M prefer to the model that it started from, token by token, at temperature 1.

  implicit  beta*log(p/p_ref), the advantage Q-V of the token; sum is its running total
  q, v      beta*(z - log p_ref) and beta*logsumexp z of M's logits z, before the token
  reward    q less the next token's v; its sum is that of implicit, plus the first v

Only implicit is fixed by what M does: a softmax ignores shifts of its logits. Without --reference M's adapter is switched
off. A text's first token is its prompt unless --prompt gives one; lines have {"prompt","completion"} or
{"prompt_ids","completion_ids"}, as model logprobs reads them.`

const implicitExamples = `  burnish model implicit-reward runs/quickstart --reference builtin:tiny --text '{"reasoning": "3+4=7", "answer": 7}'
  burnish model implicit-reward runs/adapter --in runs/adapter/completions.jsonl --json
  burnish model implicit-reward tuned --reference base --prompt "2+2=" --text " 4" --svg rewards.svg`

// implicitOf opens what eval measures the model against, nil when nothing is asked for.
func (t *term) implicitOf(c *cli.Context, m *policy.Model) (*eval.Implicit, error) {
	if c.String("reference") == "" && !c.Bool("adapter-off") {
		if c.IsSet("beta") {
			return nil, usagef("", "--beta belongs to --reference and --adapter-off")
		}
		return nil, nil
	}
	pair, err := t.pairOf(c, m)
	if err != nil {
		return nil, err
	}
	return &eval.Implicit{Pair: pair, Beta: c.Float64("beta")}, nil
}

// pairOf is a model and what the flags say it is measured against: itself without its adapter unless they name another.
func (t *term) pairOf(c *cli.Context, m *policy.Model) (policy.Pair, error) {
	from := c.String("reference")
	if from != "" && c.Bool("adapter-off") {
		return policy.Pair{}, usagef("", "want either --reference or --adapter-off")
	}
	if b := c.Float64("beta"); !(b > 0) || math.IsInf(b, 0) {
		return policy.Pair{}, usagef("", fmt.Sprintf("--beta %v, want more than 0", b))
	}
	if from == "" {
		if m.Adapter() == nil {
			return policy.Pair{}, usagef("for example --reference builtin:tiny", m.From()+" has no adapter to switch off, and --reference is missing")
		}
		return policy.NewPair(m, nil)
	}
	reference, err := t.openFrozen(from, c.String("precision"))
	if err != nil {
		return policy.Pair{}, fmt.Errorf("--reference: %w", err)
	}
	return policy.NewPair(m, reference)
}

func modelImplicit(t *term, c *cli.Context) error {
	given := c.IsSet("text")
	switch {
	case given && c.IsSet("in"):
		return usagef("", "want either --text or --in")
	case !given && c.IsSet("prompt"):
		return usagef("", "--prompt belongs to --text")
	}
	svg := c.String("svg")
	if svg != "" { // found out now, not after the work
		if info, err := os.Stat(filepath.Dir(svg)); err != nil || !info.IsDir() {
			return usagef("make it first", fmt.Sprintf("--svg %s: %s is no folder", svg, filepath.Dir(svg)))
		}
	}
	m, err := t.openArg(c)
	if err != nil {
		return err
	}
	pair, err := t.pairOf(c, m)
	if err != nil {
		return err
	}
	var texts []implicit.Text // for the picture
	read := func(prompt, tokens []int32) error {
		if err := fits(pair, prompt, tokens); err != nil {
			return err
		}
		text, err := implicit.Read(pair, c.Float64("beta"), prompt, tokens)
		if err != nil {
			return err
		}
		t.implicitText(text)
		if svg != "" {
			texts = append(texts, text)
		}
		return nil
	}
	if given {
		prompt, tokens := m.Encode(c.String("prompt")), m.Encode(c.String("text"))
		if len(prompt) == 0 && len(tokens) > 0 {
			prompt, tokens = tokens[:1], tokens[1:]
		}
		err = read(prompt, tokens)
	} else {
		err = t.eachLine(c, func(line []byte) error {
			var q scoreLine
			if err := decodeLine(line, &q); err != nil {
				return err
			}
			prompt, tokens, err := q.ids(m)
			if err != nil {
				return err
			}
			return read(prompt, tokens)
		})
	}
	if err != nil || svg == "" {
		return err
	}
	return run.Replace(svg, []byte(implicit.Picture(texts)))
}

// fits says why the models can't read a text.
func fits(p policy.Pair, prompt, tokens []int32) error {
	if len(prompt) == 0 {
		return errors.New("the prompt has no tokens")
	}
	if err := errors.Join(p.CheckIDs(prompt), p.CheckIDs(tokens)); err != nil {
		return err
	}
	if n := len(prompt) + len(tokens); n > p.Context() {
		return fmt.Errorf("%d tokens, the models' context is %d", n, p.Context())
	}
	return nil
}

// implicitText prints a table for people, an object for machines.
func (t *term) implicitText(x implicit.Text) {
	mean := math.NaN()
	if n := len(x.IDs); n > 0 {
		mean = x.Total() / float64(n)
	}
	if t.json {
		t.object([]field{{"implicit_reward", x.Total()}, {"mean", number(mean)}, {"beta", x.Beta}, {"ids", nonNil(x.IDs)}, {"tokens", list(x.Tokens)},
			{"logprobs", list(x.LogP)}, {"reference_logprobs", list(x.Ref)}, {"implicit", list(x.Implicit)}, {"q", list(x.Q)}, {"v", list(x.V)}, {"reward", list(x.Reward)}})
		return
	}
	var rows [][]field
	for i, token := range x.Tokens {
		rows = append(rows, []field{{"token", strings.ReplaceAll(token, " ", "·")}, {"logprob", decimals(x.LogP[i])}, {"reference", decimals(x.Ref[i])},
			{"implicit", decimals(x.Implicit[i])}, {"sum", decimals(x.Sum[i])}, {"q", decimals(x.Q[i])}, {"v", decimals(x.V[i])}, {"reward", decimals(x.Reward[i])}})
	}
	t.records(rows)
	t.print(fmt.Sprintf("implicit reward %.4f, %s a token, over %d tokens\n\n", x.Total(), short(mean), len(x.IDs)))
}

func decimals(v float64) string { return fmt.Sprintf("%.4f", v) }

// list makes JSON say [] and not null.
func list[T any](xs []T) []T {
	if xs == nil {
		return []T{}
	}
	return xs
}
