package sampler

import "errors"

// Ascending gives the tasks by rising quality, the best ones last, and begins again at the end. It is one half of
// curriculum model averaging; the other is a learning rate that doesn't decay, so that the best data counts most, or an
// average of the last checkpoints.
type Ascending struct {
	By string `yaml:"by"` // metadata column with a number a task; required
}

var ascending = Info{
	Name:   "ascending",
	Doc:    "by rising quality, a column of the data",
	Source: "curriculum model averaging, arXiv:2511.18903",
	New:    func() Options { return &Ascending{} },
}

// Validate wants a column.
func (o *Ascending) Validate() error {
	if o.By == "" {
		return errors.New("by is missing, want a metadata column with a number a task")
	}
	return nil
}

// Open gives the sampler; the seed changes nothing.
func (o *Ascending) Open(seed uint64, size int) (Sampler, error) {
	if err := finite("ascending", size); err != nil {
		return nil, err
	}
	p, err := newPosition("ascending", seed, size)
	return &ascendingSampler{rankedPosition: rankedPosition{position: p}, by: o.By}, err
}

type ascendingSampler struct {
	rankedPosition
	by     string
	order  []int
	scores []float64
}

func (s *ascendingSampler) Needs() Needs      { return Needs{Metadata: s.by} }
func (s *ascendingSampler) Scores() []float64 { return s.scores }

func (s *ascendingSampler) Rank(t Table) error {
	if err := t.check(s.kind, s.size, t.Metadata); err != nil {
		return err
	}
	s.scores, s.order = t.Metadata, ranked(negated(t.Metadata))
	s.hash = rankingHash(s.order)
	return nil
}

func (s *ascendingSampler) Next(n int) []int {
	out := make([]int, 0, max(n, 0))
	for range n {
		out = append(out, s.order[s.next%uint64(s.size)])
		s.next++
	}
	return out
}
