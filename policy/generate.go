package policy

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/burnish-rl/burnish/policy/generate"
)

// Generate samples completions and yields each when it is finished, in no promised order; Request and Sample say
// which it is. computed, unless nil, is raised by the rows that went through the decoder.
func (m *Model) Generate(ctx context.Context, reqs []Request, d Decoding, computed *int) iter.Seq2[Completion, error] {
	inner := make([]generate.Request, len(reqs))
	for i, r := range reqs {
		inner[i] = generate.Request(r)
	}
	o := generate.Options{
		Decoding: d.Decoding, MaxTokens: d.MaxTokens, Stop: d.Stop, EOS: m.eos, Bytes: m.textBytes,
		Statistics: d.Statistics, Record: d.Record, Seed: d.Seed, Step: d.Step, MaxRunning: d.MaxRunning, Computed: computed, Sampled: d.Sampled,
	}
	if d.IgnoreEnd {
		o.EOS = nil
	}
	return func(yield func(Completion, error) bool) {
		if err := m.checkRequests(reqs, d); err != nil {
			yield(Completion{}, fmt.Errorf("generate: %w", err))
			return
		}
		for s, err := range generate.Run(ctx, m.dec, inner, o) {
			if err != nil {
				yield(Completion{}, err)
				return
			}
			if !yield(m.completion(s, d.Stop), nil) {
				return
			}
		}
	}
}

// checkRequests finds what package generate can't see.
func (m *Model) checkRequests(reqs []Request, d Decoding) error {
	for _, stop := range d.Stop {
		if !utf8.ValidString(stop) { // the text never holds such bytes, so it could not end there
			return fmt.Errorf("the stop string %q is not UTF-8", stop)
		}
	}
	for i, r := range reqs {
		if err := m.CheckIDs(r.Prompt); err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
	}
	return nil
}

// completion adds the text to a finished sequence.
func (m *Model) completion(s generate.Sequence, stops []string) Completion {
	c := Completion{Request: s.Request, Sample: s.Sample, Tokens: s.Tokens, LogProbs: s.LogProbs, Stop: Stop(s.Stop), Recorded: s.Recorded,
		SampledLogProbs: s.SampledLogProbs, SumP2: s.SumP2, InputSquares: s.InputSquares}
	c.Text, c.Offsets = m.tok.DecodeOffsets(s.Tokens, true)
	if c.Stop == StopString {
		end := len(c.Text)
		for _, stop := range stops {
			if i := strings.Index(c.Text, stop); i >= 0 {
				end = min(end, i)
			}
		}
		c.Text = c.Text[:end]
		for i := range c.Offsets {
			c.Offsets[i] = min(c.Offsets[i], int32(end))
		}
	}
	return c
}

// textBytes is what a token adds to the text: nothing when it is special.
func (m *Model) textBytes(id int32) []byte {
	if m.tok.IsSpecial(id) {
		return nil
	}
	return m.tok.Bytes(id)
}
