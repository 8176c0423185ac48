package generate

import (
	"errors"
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
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
	decoder  *decoder.Decoder
	reserved int // pages that running sequences may still take
	running  []*sequence
	spare    []*sequence // the slice that running is not in
	ready    []*prompt   // prefilled, with samples left to start
	pending  []*prompt
	batch    batch
	choosers []chooser
	host     []float32 // logits of a step, for choosers
}

func (s *scheduler) finished() bool { return len(s.pending)+len(s.ready)+len(s.running) == 0 }

// close frees the cache, and what is held when the run ends early.
func (s *scheduler) close() {
	for _, p := range s.ready {
		s.b.Free(p.logits)
	}
	s.ready = nil
	if s.o.Record != nil {
		s.m.Record(nil)
	}
	s.decoder.Close()
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
	t := &s.batch
	t.resize(len(s.running))
	for i, q := range s.running {
		if q.n%compute.Page == 0 {
			s.grow(q)
		}
		t.ids[i], t.pos[i] = q.next, int32(q.n)
		t.refs[i] = compute.RowRef{Page: q.table[q.n/compute.Page], Slot: int32(q.n % compute.Page)}
		q.n++
		t.lens[i], t.tables[i] = int32(q.n), q.table
	}
	if r := s.o.Record; r != nil {
		for i, q := range s.running {
			q.out.Recorded = append(q.out.Recorded, int32(r.Rows()+i))
		}
	}
	logits := s.decoder.Step(t.ids, t.pos, t.refs, t.tables, t.lens)
	if s.o.Statistics {
		s.decoder.InputSquares(t.squares)
	}
	s.count(len(t.ids))
	old := s.running
	s.running, s.spare = s.spare[:0], old
	return s.sample(old, logits)
}

// sample draws the next token of each sequence from its row of logits; the batch has as many rows. Sequences that go on join running; the
// others give their pages back and are returned.
func (s *scheduler) sample(qs []*sequence, logits compute.Buf) ([]Sequence, error) {
	s.draw(qs, logits)
	var done []Sequence
	for i, q := range qs {
		id, logp := s.batch.ids[i], s.batch.logp[i]
		if !(logp <= 0) {
			return done, fmt.Errorf("request %d, sample %d, token %d: its log-prob is %v, want a number <= 0: the weights or activations are not finite",
				q.out.Request, q.sample, len(q.out.Tokens), logp)
		}
		if s.o.Sampled != nil {
			s.o.Sampled(q.out.Request, q.sample, id)
		}
		if s.o.keepsSome() {
			q.out.SampledLogProbs = append(q.out.SampledLogProbs, s.batch.sampled[i])
		}
		if s.o.Statistics {
			q.note(s.batch.sumP2[i], s.batch.squares[i])
		}
		if !q.push(id, logp, &s.rules) {
			s.running = append(s.running, q)
			continue
		}
		s.reserved -= s.own(q.from) - (len(q.table) - q.from.fullPages())
		s.pool.drop(q.table)
		done = append(done, q.out)
	}
	return done, nil
}
