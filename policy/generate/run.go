// Package generate samples from a decoder: a paged key-value cache whose pages the samples of a prompt share, and a
// scheduler that fills a slot as soon as a sequence leaves it. Start with [Run].
//
// What is sampled depends on (seed, step, slot, sample, position) and the prompt alone, never on which sequences run
// beside it.
package generate

import (
	"context"
	"fmt"
	"iter"
	"runtime"

	"github.com/burnish-rl/burnish/policy/decoder"
)

// Request asks for samples of one prompt.
type Request struct {
	Prompt  []int32
	Samples int
	Slot    uint32 // keys the draws, with seed, step, sample and position
}

// Options are what all requests of a call share.
type Options struct {
	Decoding
	MaxTokens  int                   // per sample, > 0
	Stop       []string              // stop strings
	EOS        []int32               // end-of-sequence ids; they are kept
	Bytes      func(id int32) []byte // what a token adds to the text; needed with Stop
	Seed       uint64
	Step       uint32
	MaxRunning int  // sequences decoded together; 0 means DefaultRunning
	Computed   *int // when not nil, rows that went through the decoder are added to it

	// Statistics makes sequences say more of each token than its log-prob: SumP2 and InputSquares.
	Statistics bool

	// Record, unless nil, keeps the activations of all rows; sequences say which are theirs.
	Record *decoder.Recording

	// Sampled, unless nil, is told of every token as it is sampled.
	Sampled func(request, sample int, id int32)

	pages int // of the cache; 0: enough for MaxRunning sequences. Tests make it small
}

// DefaultRunning is how many sequences are decoded together unless the caller says otherwise.
const DefaultRunning = 128

// PrefillRows bounds the prompt rows of one prefill call, and so its activations. A longer prompt goes alone.
const PrefillRows = 2048

// Run samples every request and yields each sample when it is finished. It stops at the first error or when ctx ends.
func Run(ctx context.Context, m *decoder.Model, reqs []Request, o Options) iter.Seq2[Sequence, error] {
	return func(yield func(Sequence, error) bool) {
		s, err := newScheduler(m, reqs, o)
		if err != nil {
			yield(Sequence{}, fmt.Errorf("generate: %w", err))
			return
		}
		defer s.close()
		for !s.finished() {
			if err := context.Cause(ctx); err != nil {
				yield(Sequence{}, err)
				return
			}
			done, err := s.step()
			if err != nil {
				yield(Sequence{}, fmt.Errorf("generate: %w", err))
				return
			}
			for _, q := range done {
				if !yield(q, nil) {
					return
				}
			}
		}
	}
}

func newScheduler(m *decoder.Model, reqs []Request, o Options) (*scheduler, error) {
	if o.MaxRunning == 0 {
		o.MaxRunning = DefaultRunning
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := &scheduler{m: m, b: m.Backend(), o: o, rules: newRules(o)}
	all, largest := 0, 0
	for i, r := range reqs {
		if err := r.validate(m.Config().MaxPositions); err != nil {
			return nil, fmt.Errorf("request %d: %w", i, err)
		}
		p := &prompt{index: i, req: r, waiting: r.Samples}
		s.pending = append(s.pending, p)
		all += pagesFor(len(r.Prompt)) + r.Samples*s.own(p)
		largest = max(largest, pagesFor(len(r.Prompt))+s.own(p))
	}
	pages := min(all, (o.MaxRunning+1)*largest) // with one more prompt ready than can run
	if o.pages > 0 {
		pages = max(o.pages, largest)
	}
	if o.Record != nil {
		m.Record(o.Record)
	}
	s.cache = m.NewCache(pages)
	s.decoder = m.NewDecoder(s.cache)
	s.pool = newPagePool(s.cache, func(p int32) { s.b.CacheClear(s.cache, p) })
	s.choosers = make([]chooser, runtime.GOMAXPROCS(0))
	return s, nil
}

func (o Options) validate() error {
	if err := o.Decoding.Validate(); err != nil {
		return err
	}
	if o.MaxTokens < 1 {
		return fmt.Errorf("max_tokens %d, want at least 1", o.MaxTokens)
	}
	if o.MaxRunning < 1 {
		return fmt.Errorf("%d sequences decoded together, want at least 1", o.MaxRunning)
	}
	for _, stop := range o.Stop {
		if stop == "" {
			return fmt.Errorf("an empty stop string, want text")
		}
	}
	return nil
}

func (r Request) validate(context int) error {
	switch n := len(r.Prompt); {
	case n == 0:
		return fmt.Errorf("an empty prompt, want at least one token")
	case n >= context:
		return fmt.Errorf("the prompt has %d tokens, want fewer than the model's context of %d", n, context)
	case r.Samples < 1:
		return fmt.Errorf("%d samples, want at least 1", r.Samples)
	}
	return nil
}
