package generate

import (
	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// limit is how many tokens a sample of p may have: what was asked, or what the context leaves.
func (s *scheduler) limit(p *prompt) int {
	return min(s.o.MaxTokens, s.m.Config().MaxPositions-len(p.req.Prompt))
}

// own is the most pages a sample of p takes for itself. Its last token never enters the cache.
func (s *scheduler) own(p *prompt) int {
	return pagesFor(len(p.req.Prompt)+s.limit(p)-1) - p.fullPages()
}

// prefill takes waiting prompts into the cache: while the samples of those that are ready have slots and pages, and
// one more would too. So at most the last ready prompt waits for others to finish, and nothing waits in a ring.
func (s *scheduler) prefill() error {
	slots, pages := s.o.MaxRunning-len(s.running), len(s.pool.free)-s.reserved
	for _, p := range s.ready {
		slots -= p.waiting
		pages -= p.waiting * s.own(p)
	}
	var batch []*prompt
	rows := 0
	for len(s.pending) > 0 && slots > 0 {
		p := s.pending[0]
		n := len(p.req.Prompt)
		if rows > 0 && rows+n > PrefillRows || pages < pagesFor(n)+s.own(p) {
			break
		}
		rows += n
		slots -= p.waiting
		pages -= pagesFor(n) + p.waiting*s.own(p)
		batch = append(batch, p)
		s.pending = s.pending[1:]
	}
	if len(batch) == 0 {
		return nil
	}
	var packed decoder.Packed
	var refs []compute.RowRef
	for _, p := range batch {
		if r := s.o.Record; r != nil {
			p.recorded = r.Rows() + len(packed.IDs)
		}
		for range pagesFor(len(p.req.Prompt)) {
			p.table = append(p.table, s.pool.take())
		}
		packed.Segs = append(packed.Segs, compute.Segment{Start: len(packed.IDs), Len: len(p.req.Prompt)})
		for i, id := range p.req.Prompt {
			packed.IDs = append(packed.IDs, id)
			packed.Pos = append(packed.Pos, int32(i))
			refs = append(refs, compute.RowRef{Page: p.table[i/compute.Page], Slot: int32(i % compute.Page)})
		}
		packed.Out = append(packed.Out, int32(len(packed.IDs)-1))
	}
	var squares []float64
	if s.o.Statistics {
		squares = make([]float64, len(batch))
	}
	logits := s.m.PrefillSquares(s.cache, packed, refs, squares)
	v := s.m.Config().Vocab
	for i, p := range batch {
		p.logits = s.b.AllocUnset(v)
		s.b.Copy(p.logits, s.b.Slice(logits, i*v, (i+1)*v))
		if squares != nil {
			p.squares = squares[i]
		}
	}
	s.b.Free(logits)
	s.count(rows)
	s.ready = append(s.ready, batch...)
	return s.b.Sync()
}

// start gives free slots to the samples of ready prompts; their first token comes from the prompt's logits.
func (s *scheduler) start() ([]Sequence, error) {
	var fresh []*sequence
	var spent []*prompt
	for len(s.ready) > 0 && len(s.running)+len(fresh) < s.o.MaxRunning {
		p := s.ready[0]
		if len(s.pool.free)-s.reserved < s.own(p) {
			break
		}
		fresh = append(fresh, s.newSequence(p))
		if p.waiting--; p.waiting == 0 {
			s.pool.drop(p.table)
			spent = append(spent, p)
			s.ready = s.ready[1:]
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	v := s.m.Config().Vocab
	logits := s.b.AllocUnset(len(fresh) * v)
	s.batch.resize(len(fresh))
	for i, q := range fresh {
		s.b.Copy(s.b.Slice(logits, i*v, (i+1)*v), q.from.logits)
		s.batch.squares[i] = q.from.squares
	}
	for _, p := range spent {
		s.b.Free(p.logits)
	}
	done, err := s.sample(fresh, logits)
	s.b.Free(logits)
	return done, err
}

// roomTokens is how many tokens a sequence has room for from its start, so that most never grow.
const roomTokens = 512

// newSequence makes the next sample of p, on p's full pages and a copy of the one that is partly filled.
func (s *scheduler) newSequence(p *prompt) *sequence {
	q := &sequence{from: p, sample: p.req.Samples - p.waiting, n: len(p.req.Prompt), limit: s.limit(p)}
	room := min(q.limit, roomTokens)
	q.out = Sequence{Request: p.index, Sample: q.sample, Tokens: make([]int32, 0, room), LogProbs: make([]float32, 0, room)}
	if s.o.Record != nil {
		for i := range p.req.Prompt {
			q.out.Recorded = append(q.out.Recorded, int32(p.recorded+i))
		}
	}
	full := p.fullPages()
	q.table = append(make([]int32, 0, full+s.own(p)), p.table[:full]...)
	s.pool.share(q.table)
	s.reserved += s.own(p)
	if full < len(p.table) {
		s.grow(q)
		s.b.CacheCopy(s.cache, q.table[full], p.table[full])
	}
	return q
}

// grow gives q one of the pages that are reserved for it.
func (s *scheduler) grow(q *sequence) {
	q.table = append(q.table, s.pool.take())
	s.reserved--
}
