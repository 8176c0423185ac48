package sampler

import "github.com/burnish-rl/burnish/internal/rng"

// Uniform shuffles the tasks without replacement: every epoch gives each task once, in an order of its own. The index
// at a position depends on (seed, size, position) alone.
//
// An env without an end is walked in order from a start that the seed chooses in [0, 2^30), so that no task comes
// twice in a run and runs with other seeds see other tasks.
type Uniform struct{}

var uniform = Info{
	Name:   "uniform",
	Doc:    "every task once an epoch, in shuffled order",
	Source: "shuffling without replacement, Fisher and Yates 1938",
	New:    func() Options { return &Uniform{} },
}

// Validate has nothing to check.
func (*Uniform) Validate() error { return nil }

// Open gives the sampler.
func (*Uniform) Open(seed uint64, size int) (Sampler, error) {
	p, err := newPosition("uniform", seed, size)
	if err != nil {
		return nil, err
	}
	return &uniformSampler{position: p}, nil
}

type uniformSampler struct {
	position
	epoch uint32
	order []int // of epoch; nil before the first use
}

func (s *uniformSampler) Next(n int) []int {
	out := make([]int, 0, max(n, 0))
	for range n {
		out = append(out, s.at(s.next))
		s.next++
	}
	return out
}

func (s *uniformSampler) at(position uint64) int {
	if s.size == Unlimited {
		start := rng.Bits(s.seed, rng.Order, rng.At{D: 1})[0] >> 2 // shuffles have D 0
		return int(uint64(start) + position)
	}
	epoch := uint32(position / uint64(s.size))
	if s.order == nil || s.epoch != epoch {
		s.epoch, s.order = epoch, rng.Shuffle(s.seed, rng.Order, epoch, s.size)
	}
	return s.order[position%uint64(s.size)]
}
