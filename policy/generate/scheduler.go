// Package generate samples from a decoder: a paged key-value cache whose pages the samples of a prompt share, and a
// scheduler that fills a slot as soon as a sequence leaves it. Start with [Run].
//
// What is sampled depends on (seed, step, slot, sample, position) and the prompt alone, never on which sequences run
// beside it.
package generate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/rng"
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
}

// DefaultRunning is how many sequences are decoded together unless the caller says otherwise.
const DefaultRunning = 128

// prefillRows bounds the prompt rows of one prefill call, and so its activations.
const prefillRows = 2048

// rules is what ends a sequence.
type rules struct {
	eos     map[int32]bool
	stop    [][]byte
	longest int
	bytes   func(int32) []byte
}

type scheduler struct {
	m        *decoder.Model
	b        compute.Backend
	o        Options
	rules    rules
	pool     *pagePool
	cache    compute.Cache
	reserved int // pages that running sequences may still take
	running  []*sequence
	ready    []*prompt // prefilled, with samples left to start
	pending  []*prompt
	choosers []chooser
	host     []float32 // logits of a step
}

// Run samples every request and yields each sample when it is finished. It stops at the first error or when ctx ends.
func Run(ctx context.Context, m *decoder.Model, reqs []Request, o Options) iter.Seq2[Sequence, error] {
	return func(yield func(Sequence, error) bool) {
		s, err := newScheduler(m, reqs, o)
		if err != nil {
			yield(Sequence{}, err)
			return
		}
		defer s.close()
		for len(s.pending)+len(s.ready)+len(s.running) > 0 {
			if err := context.Cause(ctx); err != nil {
				yield(Sequence{}, err)
				return
			}
			done, err := s.step()
			if err != nil {
				yield(Sequence{}, err)
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
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("generate: %w", err)
	}
	if o.MaxTokens < 1 {
		return nil, fmt.Errorf("generate: max_tokens %d, want at least 1", o.MaxTokens)
	}
	s := &scheduler{m: m, b: m.Backend(), o: o}
	s.rules = rules{eos: map[int32]bool{}, bytes: o.Bytes}
	for _, id := range o.EOS {
		s.rules.eos[id] = true
	}
	for _, t := range o.Stop {
		if t == "" {
			return nil, fmt.Errorf("generate: an empty stop string, want text")
		}
		s.rules.stop = append(s.rules.stop, []byte(t))
		s.rules.longest = max(s.rules.longest, len(t))
	}
	room := m.Config().MaxPositions
	pages, perSeq := 0, 0
	for i, r := range reqs {
		if len(r.Prompt) == 0 {
			return nil, fmt.Errorf("generate: request %d: an empty prompt, want at least one token", i)
		}
		if len(r.Prompt) >= room {
			return nil, fmt.Errorf("generate: request %d: the prompt has %d tokens, the model's context is %d", i, len(r.Prompt), room)
		}
		if r.Samples < 1 {
			return nil, fmt.Errorf("generate: request %d: %d samples, want at least 1", i, r.Samples)
		}
		p := &prompt{index: i, req: r, waiting: r.Samples}
		s.pending = append(s.pending, p)
		pages += pagesFor(len(r.Prompt)) + r.Samples*s.own(p)
		perSeq = max(perSeq, pagesFor(len(r.Prompt))+s.own(p))
	}
	// Never more than all requests need, nor more than MaxRunning of the largest sequences with a prompt each.
	pages = min(pages, (o.MaxRunning+1)*perSeq)
	s.cache = m.NewCache(pages)
	s.pool = newPagePool(s.cache, func(p int32) { s.b.CacheClear(s.cache, p) })
	s.choosers = make([]chooser, runtime.GOMAXPROCS(0))
	return s, nil
}

func (s *scheduler) close() { s.b.FreeCache(s.cache) }

// limit is how many tokens a sample of p may have: what was asked, or what the context leaves.
func (s *scheduler) limit(p *prompt) int {
	return min(s.o.MaxTokens, s.m.Config().MaxPositions-len(p.req.Prompt))
}

// own is the most pages a sample of p takes for itself. Its last token never enters the cache.
func (s *scheduler) own(p *prompt) int {
	shared := len(p.req.Prompt) / compute.Page
	return pagesFor(len(p.req.Prompt)+s.limit(p)-1) - shared
}

// step admits what fits, then decodes one token of every running sequence. It returns what finished.
func (s *scheduler) step() ([]Sequence, error) {
	s.prefill()
	done, err := s.start()
	if err != nil || len(s.running) == 0 {
		return done, errors.Join(err, s.b.Sync())
	}
	more, err := s.decode()
	return append(done, more...), errors.Join(err, s.b.Sync())
}

// prefill takes waiting prompts into the cache while there is a free slot for them to run in.
func (s *scheduler) prefill() {
	var batch []*prompt
	rows, slots := 0, s.o.MaxRunning-len(s.running)
	for _, p := range s.ready {
		slots -= p.waiting
	}
	for len(s.pending) > 0 && slots > 0 {
		p := s.pending[0]
		need := pagesFor(len(p.req.Prompt))
		if len(batch) > 0 && rows+len(p.req.Prompt) > prefillRows || len(s.pool.free)-s.reserved < need+s.own(p) {
			break
		}
		for range need {
			p.table = append(p.table, s.pool.take())
		}
		rows += len(p.req.Prompt)
		slots -= p.waiting
		batch = append(batch, p)
		s.pending = s.pending[1:]
	}
	if len(batch) == 0 {
		return
	}
	var packed decoder.Packed
	refs := make([]compute.RowRef, 0, rows)
	for _, p := range batch {
		packed.Segs = append(packed.Segs, compute.Segment{Start: len(packed.IDs), Len: len(p.req.Prompt)})
		for i, id := range p.req.Prompt {
			packed.IDs = append(packed.IDs, id)
			packed.Pos = append(packed.Pos, int32(i))
			refs = append(refs, compute.RowRef{Page: p.table[i/compute.Page], Slot: int32(i % compute.Page)})
		}
		packed.Out = append(packed.Out, int32(len(packed.IDs)-1))
	}
	logits := s.m.Prefill(s.cache, packed, refs)
	v := s.m.Config().Vocab
	for i, p := range batch {
		p.logits = s.b.Alloc(v)
		s.b.Copy(p.logits, s.b.Slice(logits, i*v, (i+1)*v))
	}
	s.b.Free(logits)
	s.count(rows)
	s.ready = append(s.ready, batch...)
}

func (s *scheduler) count(rows int) {
	if s.o.Computed != nil {
		*s.o.Computed += rows
	}
}

// start gives free slots to the samples of prefilled prompts; their first token comes from the prompt's logits.
func (s *scheduler) start() ([]Sequence, error) {
	var fresh []*sequence
	for len(s.ready) > 0 && len(s.running)+len(fresh) < s.o.MaxRunning {
		p := s.ready[0]
		if len(s.pool.free)-s.reserved < s.own(p) {
			break
		}
		q := &sequence{from: p, sample: p.req.Samples - p.waiting, n: len(p.req.Prompt), limit: s.limit(p)}
		q.out = Sequence{Prompt: p.index, Sample: q.sample}
		full := len(p.req.Prompt) / compute.Page
		q.table = append(q.table, p.table[:full]...)
		s.pool.share(q.table)
		s.reserved += s.own(p)
		if full < len(p.table) { // the straddling page is copied: each sample goes on in its own
			id := s.pool.take()
			s.reserved--
			s.b.CacheCopy(s.cache, id, p.table[full])
			q.table = append(q.table, id)
		}
		fresh = append(fresh, q)
		p.live++
		if p.waiting--; p.waiting == 0 {
			s.pool.drop(p.table)
			s.ready = s.ready[1:]
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	v := s.m.Config().Vocab
	logits := s.b.Alloc(len(fresh) * v)
	for i, q := range fresh {
		s.b.Copy(s.b.Slice(logits, i*v, (i+1)*v), q.from.logits)
	}
	done, err := s.sample(fresh, logits)
	s.b.Free(logits)
	for _, q := range fresh {
		if q.from.waiting == 0 && q.from.logits != nil {
			s.b.Free(q.from.logits)
			q.from.logits = nil
		}
	}
	return done, err
}

// decode runs the last sampled token of every sequence through the model and samples the next.
func (s *scheduler) decode() ([]Sequence, error) {
	n := len(s.running)
	ids, pos, lens := make([]int32, n), make([]int32, n), make([]int32, n)
	refs, tables := make([]compute.RowRef, n), make([][]int32, n)
	for i, q := range s.running {
		if q.n%compute.Page == 0 {
			q.table = append(q.table, s.pool.take())
			s.reserved--
		}
		ids[i], pos[i] = q.next, int32(q.n)
		refs[i] = compute.RowRef{Page: q.table[q.n/compute.Page], Slot: int32(q.n % compute.Page)}
		q.n++
		lens[i], tables[i] = int32(q.n), q.table
	}
	logits := s.m.Decode(s.cache, ids, pos, refs, tables, lens)
	s.count(n)
	old := s.running
	s.running = nil
	done, err := s.sample(old, logits)
	s.b.Free(logits)
	return done, err
}

// sample draws the next token of each sequence from its row of logits. Sequences that go on join running; the
// others give their pages back and are returned.
func (s *scheduler) sample(qs []*sequence, logits compute.Buf) ([]Sequence, error) {
	v := s.m.Config().Vocab
	ids := s.choose(qs, logits, v)
	stats := s.b.TokenStats(logits, v, s.o.LogProbTemperature(), ids)
	var done []Sequence
	for i, q := range qs {
		if logp := stats.LogP[i]; logp != logp || logp > 0 {
			return done, fmt.Errorf("generate: request %d, sample %d, token %d: its log-prob is %v, want a number <= 0: the weights or activations are not finite", q.out.Prompt, q.sample, len(q.out.Tokens), logp)
		}
		if q.push(ids[i], stats.LogP[i], &s.rules) {
			s.reserved -= s.own(q.from) - (len(q.table) - len(q.from.req.Prompt)/compute.Page)
			s.pool.drop(q.table)
			done = append(done, q.out)
			continue
		}
		s.running = append(s.running, q)
	}
	return done, nil
}

// choose picks a token for every row, in parallel; each draw is keyed by its place, so the order doesn't matter.
func (s *scheduler) choose(qs []*sequence, logits compute.Buf, v int) []int32 {
	s.host = slices.Grow(s.host[:0], len(qs)*v)[:len(qs)*v]
	s.b.Download(s.host, logits)
	ids := make([]int32, len(qs))
	var wg sync.WaitGroup
	for w := range s.choosers {
		wg.Go(func() {
			for i := w; i < len(qs); i += len(s.choosers) {
				q := qs[i]
				at := rng.At{A: s.o.Step, B: q.from.req.Slot, C: uint32(q.sample), D: uint32(len(q.out.Tokens))}
				u := rng.Uniform(s.o.Seed, rng.Sampling, at)
				ids[i] = s.choosers[w].choose(s.host[i*v:(i+1)*v], s.o.Decoding, u)
			}
		})
	}
	wg.Wait()
	return ids
}
