package cmd

import (
	"errors"
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/policy"
	"github.com/urfave/cli/v2"
)

// scoreLine is one line of input: texts, or ids.
type scoreLine struct {
	Prompt        *string `json:"prompt"`
	Completion    *string `json:"completion"`
	PromptIDs     []int32 `json:"prompt_ids"`
	CompletionIDs []int32 `json:"completion_ids"`
}

func modelLogprobs(t *term, c *cli.Context) error {
	if c.Int("batch") < 1 {
		return usagef("", fmt.Sprintf("--batch %d, want at least 1", c.Int("batch")))
	}
	m, err := t.openArg(c)
	if err != nil {
		return err
	}
	s := &scorer{t: t, m: m, temperature: float32(c.Float64("temperature")), limit: c.Int("batch")}
	if !(s.temperature > 0) {
		return usagef("", fmt.Sprintf("--temperature %v, want more than 0", s.temperature))
	}
	err = t.eachLine(c, func(line []byte) error {
		var q scoreLine
		if err := decodeLine(line, &q); err != nil {
			return err
		}
		return s.add(q)
	})
	if err != nil {
		return err
	}
	return s.flush()
}

// scorer gathers lines into batches; neighbours with one prompt share it.
type scorer struct {
	t           *term
	m           *policy.Model
	temperature float32
	limit       int
	batch       policy.Batch
}

// ids are the line's tokens: those it has, or those of its texts.
func (q scoreLine) ids(m *policy.Model) (prompt, completion []int32, err error) {
	switch {
	case q.Prompt != nil && q.Completion != nil:
		return m.Encode(*q.Prompt), m.Encode(*q.Completion), nil
	case q.PromptIDs == nil || q.CompletionIDs == nil:
		return nil, nil, errors.New(`want "prompt" and "completion", or "prompt_ids" and "completion_ids"`)
	}
	return q.PromptIDs, q.CompletionIDs, nil
}

func (s *scorer) add(q scoreLine) error {
	prompt, completion, err := q.ids(s.m)
	if err != nil {
		return err
	}
	if len(prompt) == 0 {
		return errors.New("the prompt has no tokens")
	}
	if err := errors.Join(s.m.CheckIDs(prompt), s.m.CheckIDs(completion)); err != nil {
		return err
	}
	if n := len(prompt) + len(completion); n > s.m.Context() {
		return fmt.Errorf("%d tokens, the model's context is %d", n, s.m.Context())
	}
	b := &s.batch
	if n := len(b.Prompts); n == 0 || !slices.Equal(b.Prompts[n-1], prompt) {
		b.Prompts = append(b.Prompts, prompt)
	}
	b.Rows = append(b.Rows, policy.Row{Prompt: len(b.Prompts) - 1, Tokens: completion})
	if len(b.Rows) >= s.limit {
		return s.flush()
	}
	return nil
}

func (s *scorer) flush() error {
	if len(s.batch.Rows) == 0 {
		return nil
	}
	s.batch.Temperature = s.temperature
	tokens, err := s.m.LogProbs(s.batch, false)
	if err != nil {
		return err
	}
	at := 0
	for _, n := range tokens.Lengths {
		s.t.object([]field{{"logprobs", tokens.LogP[at : at+n]}, {"entropy", tokens.Entropy[at : at+n]}, {"sum_p2", tokens.SumP2[at : at+n]}})
		at += n
	}
	s.batch = policy.Batch{}
	return nil
}
