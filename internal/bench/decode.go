package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/generate"
)

// DecodeSpec is prompts of one length, samples of each, and tokens of each sample.
type DecodeSpec struct {
	Prompts, Samples int // Prompts·Samples are decoded together
	PromptTokens     int
	Tokens           int // sampled of each; with 1 only the prompts are processed
	ElementBytes     int // of a weight and of a cached value: 4 in float32, 2 in bf16
	Repeats          int
}

// DecodeResult is the speed of both halves of generation.
type DecodeResult struct {
	Prefill Spread // prompt tokens a second, until the first token is sampled
	Decode  Spread // sampled tokens a second after that; all zero when none follow

	// What the work takes at least, GFLOP and GB a second at the median, for a share of the machine's limits: every
	// product once; every weight and every cached key and value read once a step.
	PrefillFlops, DecodeFlops, DecodeBytes float64
	Run
}

// Decode measures sampling at temperature 1, end tokens ignored, so that every sample has its full length.
func Decode(ctx context.Context, m *policy.Model, s DecodeSpec) (DecodeResult, error) {
	if need, has := s.PromptTokens+s.Tokens, m.Context(); need > has {
		return DecodeResult{}, fmt.Errorf("bench decode: %d prompt tokens and %d after them: the model's context is %d", s.PromptTokens, s.Tokens, has)
	}
	reqs := make([]policy.Request, s.Prompts)
	for i := range reqs {
		reqs[i] = policy.Request{Prompt: words(i, s.PromptTokens), Samples: s.Samples, Slot: uint32(i)}
	}
	batch := s.Prompts * s.Samples
	d := policy.Decoding{
		Decoding: generate.Decoding{Temperature: 1}, MaxTokens: s.Tokens, Seed: 1, MaxRunning: batch, IgnoreEnd: true,
	}
	var prefill, decode []float64
	end := record()
	err := repeat(ctx, s.Repeats, func(counts bool) error {
		n, begun, before := 0, map[[2]int]bool{}, 0
		var first, last time.Time
		d.Sampled = func(request, sample int, _ int32) {
			last = time.Now()
			n++
			if len(begun) < batch {
				begun[[2]int{request, sample}] = true
				first, before = last, n
			}
		}
		start := time.Now()
		for _, err := range m.Generate(ctx, reqs, d, nil) {
			if err != nil {
				return err
			}
		}
		if n != batch*s.Tokens {
			return errors.New("bench decode: a sample ended early")
		}
		if counts {
			prefill = append(prefill, first.Sub(start).Seconds())
			decode = append(decode, last.Sub(first).Seconds()*float64(n-batch)/float64(max(1, n-before)))
		}
		return nil
	})
	r := DecodeResult{Run: end()}
	if err != nil || len(prefill) == 0 {
		return r, err
	}
	r.rates(m, s, SpreadOf(prefill), SpreadOf(decode))
	return r, nil
}

// rates turns seconds into tokens and work a second.
func (r *DecodeResult) rates(m *policy.Model, s DecodeSpec, prefill, decode Spread) {
	c, batch, steps := m.Config(), s.Prompts*s.Samples, s.Tokens-1
	r.Prefill = prefill.Per(float64(s.Prompts * s.PromptTokens))
	r.PrefillFlops = forwardFlops(c, s.Prompts*s.PromptTokens, s.Prompts, float64(s.Prompts)*pairs(0, s.PromptTokens)) / prefill.Median / 1e9
	if steps == 0 {
		return
	}
	r.Decode = decode.Per(float64(batch * steps))
	seen := float64(batch) * pairs(s.PromptTokens, steps)
	r.DecodeFlops = forwardFlops(c, batch*steps, batch*steps, seen) / decode.Median / 1e9
	own := float64(batch) * pairs(0, steps) // the prompt's pages are read once for all its samples
	shared := float64(s.Prompts * s.PromptTokens * steps)
	r.DecodeBytes = (float64(steps)*weightBytes(c, s.ElementBytes) + (own+shared)*cacheBytes(c, s.ElementBytes)) / decode.Median / 1e9
}
