package sampler

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/internal/rng"
)

// Filtered is uniform, but a task whose samples were all scored alike, so that it taught nothing, is left out for some
// epochs. When all tasks are, all come back.
//
// It is the sampler's part of DAPO's dynamic sampling: the loop's is to ask for more tasks within a step when groups are
// dropped. Leaving tasks out of later epochs is ours.
type Filtered struct {
	Rest int `yaml:"rest"` // epochs that such a task is left out; 1 to 1000, default 1
}

var filtered = Info{
	Name:   "filtered",
	Doc:    "uniform, without the tasks whose samples were all scored alike the last time",
	Source: "after dynamic sampling, DAPO, arXiv:2503.14476",
	New:    func() Options { return &Filtered{Rest: 1} },
}

// Validate checks the range.
func (o *Filtered) Validate() error {
	if o.Rest < 1 || o.Rest > 1000 {
		return fmt.Errorf("rest is %d, want 1 to 1000", o.Rest)
	}
	return nil
}

// Open gives the sampler.
func (o *Filtered) Open(seed uint64, size int) (Sampler, error) {
	if err := finite("filtered", size); err != nil {
		return nil, err
	}
	return &filteredSampler{seed: seed, size: size, rest: uint32(o.Rest), flat: make([]uint32, size)}, nil
}

type filteredSampler struct {
	filteredPlace
	seed uint64
	size int
	rest uint32
	flat []uint32 // 1 + the epoch in which the task's samples were last all scored alike, 0 for never

	order []int // of the epoch, nil before the first use
}

// filteredPlace is where the sampler stands.
type filteredPlace struct {
	Epoch uint32
	Given uint32 // tasks, in it
	All   bool   // all tasks were left out, so the epoch has all of them
}

// leftOut says whether a task has no place in the epoch. What was seen in the epoch itself doesn't count, so the answer
// stays the same all through it.
func (s *filteredSampler) leftOut(task int) bool {
	seen := s.flat[task]
	return seen > 0 && seen <= s.Epoch && s.Epoch < seen+s.rest
}

func (s *filteredSampler) Next(n int) []int {
	out := make([]int, 0, max(n, 0))
	for range n {
		if s.order == nil {
			s.order = s.epochOrder()
		}
		if int(s.Given) == len(s.order) {
			s.filteredPlace = filteredPlace{Epoch: s.Epoch + 1}
			s.order = s.epochOrder()
		}
		out = append(out, s.order[s.Given])
		s.Given++
	}
	return out
}

func (s *filteredSampler) epochOrder() []int {
	all := rng.Shuffle(s.seed, rng.Order, s.Epoch, s.size)
	if s.All {
		return all
	}
	var order []int
	for _, i := range all {
		if !s.leftOut(i) {
			order = append(order, i)
		}
	}
	if s.All = order == nil; s.All {
		return all
	}
	return order
}

// Report counts the tasks that the epoch leaves out.
func (s *filteredSampler) Report() []Metric {
	return []Metric{{"epoch", float64(s.Epoch)}, {"left_out", float64(s.size - len(s.order))}}
}

// Observe notes which tasks taught nothing. Tasks without two known rewards are left as they were.
func (s *filteredSampler) Observe(outcomes []Outcome) {
	for _, o := range outcomes {
		lo, hi, known := math.Inf(1), math.Inf(-1), 0
		for _, r := range o.Rewards {
			if !math.IsNaN(r) {
				lo, hi, known = min(lo, r), max(hi, r), known+1
			}
		}
		switch {
		case known < 2:
		case lo == hi:
			s.flat[o.Index] = s.Epoch + 1
		default:
			s.flat[o.Index] = 0
		}
	}
}

// MarshalBinary saves the place and what was seen of each task.
func (s *filteredSampler) MarshalBinary() ([]byte, error) {
	return saved(filteredVersion, s.seed, s.size, s.filteredPlace, s.flat), nil
}

const filteredVersion = 1

// UnmarshalBinary goes on from there.
func (s *filteredSampler) UnmarshalBinary(b []byte) error {
	s.order = nil
	return restored("filtered", b, filteredVersion, s.seed, s.size, &s.filteredPlace, s.flat)
}
