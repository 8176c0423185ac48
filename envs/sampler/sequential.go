package sampler

// Sequential gives the tasks in order, from 0, and begins again at the end.
type Sequential struct{}

var sequential = Info{
	Name:   "sequential",
	Doc:    "the tasks in order, again and again",
	Source: "the data's own order",
	New:    func() Options { return &Sequential{} },
}

// Validate has nothing to check.
func (*Sequential) Validate() error { return nil }

// Open gives the sampler. The seed changes nothing.
func (*Sequential) Open(seed uint64, size int) (Sampler, error) {
	p, err := newPosition("sequential", seed, size)
	if err != nil {
		return nil, err
	}
	return &sequentialSampler{p}, nil
}

type sequentialSampler struct{ position }

func (s *sequentialSampler) Next(n int) []int {
	out := make([]int, 0, max(n, 0))
	for range n {
		i := s.next
		if s.size != Unlimited {
			i %= uint64(s.size)
		}
		out = append(out, int(i))
		s.next++
	}
	return out
}
