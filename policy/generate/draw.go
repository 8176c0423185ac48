package generate

import (
	"slices"
	"sync"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/rng"
)

// batch is what a step gives to the decoder and to sampling, a value a row. It is kept from step to step.
type batch struct {
	ids, pos, lens []int32
	refs           []compute.RowRef
	tables         [][]int32
	u              []float64
	logp, sumP2    []float32
	sampled        []float32 // log-probs among the kept tokens, where not all are
	squares        []float64 // |h|² of the rows that the logits come from, with Statistics
}

func (t *batch) resize(rows int) {
	t.ids, t.pos, t.lens = sized(t.ids, rows), sized(t.pos, rows), sized(t.lens, rows)
	t.refs, t.tables = sized(t.refs, rows), sized(t.tables, rows)
	t.u, t.logp, t.squares = sized(t.u, rows), sized(t.logp, rows), sized(t.squares, rows)
}

// sized is x with length n and unknown content.
func sized[T any](x []T, n int) []T { return slices.Grow(x[:0], n)[:n] }

// draw picks a token for every row and gives its log-prob. Each draw is keyed by its place, so the order doesn't matter.
func (s *scheduler) draw(qs []*sequence, logits compute.Buf) {
	t, v := &s.batch, s.m.Config().Vocab
	for i, q := range qs {
		at := rng.At{A: s.o.Step, B: q.from.req.Slot, C: uint32(q.sample), D: uint32(len(q.out.Tokens))}
		t.u[i] = rng.Uniform(s.o.Seed, rng.Sampling, at)
	}
	if !s.o.keepsSome() {
		s.b.Sample(t.ids, t.logp, logits, v, s.o.Temperature, t.u)
		if s.o.Statistics {
			t.sumP2 = s.b.TokenStats(logits, v, s.o.LogProbTemperature(), t.ids).SumP2
		}
		return
	}
	s.host, t.sampled = sized(s.host, len(qs)*v), sized(t.sampled, len(qs))
	s.b.Download(s.host, logits)
	var wg sync.WaitGroup
	for w := range s.choosers {
		wg.Go(func() {
			for i := w; i < len(qs); i += len(s.choosers) {
				t.ids[i] = s.choosers[w].choose(s.host[i*v:(i+1)*v], s.o.Decoding, t.u[i])
				t.sampled[i] = s.choosers[w].logp
			}
		})
	}
	wg.Wait()
	stats := s.b.TokenStats(logits, v, s.o.LogProbTemperature(), t.ids)
	copy(t.logp, stats.LogP)
	t.sumP2 = stats.SumP2
}
