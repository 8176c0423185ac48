package generate

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/rng"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// scheduler moves requests from pending to ready (prefilled), and their samples from there to running.
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

func (s *scheduler) finished() bool { return len(s.pending)+len(s.ready)+len(s.running) == 0 }

// close frees the cache, and what is held when the run ends early.
func (s *scheduler) close() {
	for _, p := range s.ready {
		s.b.Free(p.logits)
	}
	s.ready = nil
	s.b.FreeCache(s.cache)
}

func (s *scheduler) count(rows int) {
	if s.o.Computed != nil {
		*s.o.Computed += rows
	}
}

// step admits what fits, then decodes one token of every running sequence. It returns what finished.
func (s *scheduler) step() ([]Sequence, error) {
	if err := s.prefill(); err != nil {
		return nil, err
	}
	done, err := s.start()
	if err != nil || len(s.running) == 0 {
		return done, errors.Join(err, s.b.Sync())
	}
	more, err := s.decode()
	return append(done, more...), errors.Join(err, s.b.Sync())
}

// decode runs the last sampled token of every sequence through the model and samples the next.
func (s *scheduler) decode() ([]Sequence, error) {
	n := len(s.running)
	ids, pos, lens := make([]int32, n), make([]int32, n), make([]int32, n)
	refs, tables := make([]compute.RowRef, n), make([][]int32, n)
	for i, q := range s.running {
		if q.n%compute.Page == 0 {
			s.grow(q)
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
		if logp := stats.LogP[i]; !(logp <= 0) {
			return done, fmt.Errorf("request %d, sample %d, token %d: its log-prob is %v, want a number <= 0: the weights or activations are not finite",
				q.out.Request, q.sample, len(q.out.Tokens), logp)
		}
		if s.o.Sampled != nil {
			s.o.Sampled(q.out.Request, q.sample, ids[i])
		}
		if !q.push(ids[i], stats.LogP[i], &s.rules) {
			s.running = append(s.running, q)
			continue
		}
		s.reserved -= s.own(q.from) - (len(q.table) - q.from.fullPages())
		s.pool.drop(q.table)
		done = append(done, q.out)
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
