package sampler

import (
	"fmt"
	"math"
	"slices"

	"github.com/burnish-rl/burnish/internal/rng"
)

// PassRate serves the tasks from easy to hard in equal stages, each for an equal share of the run, shuffled within. How
// easy a task is, is the share p of right samples of the policy before training.
//
// All samples of a task with p = 1 or p = 0 are scored alike, so it teaches nothing: the first but for a small share come
// after the others, the second last of all. A share of each later stage repeats tasks of earlier ones.
//
// The order is the paper's. The number of stages and samples, the shuffle, what becomes of p = 0 and 1, and the repeats
// are ours.
type PassRate struct {
	By           string  `yaml:"by"`            // metadata column with p in [0, 1]; without it p is measured
	Samples      int     `yaml:"samples"`       // completions a task that p is measured with; default 8
	CorrectAt    float64 `yaml:"correct_at"`    // a sample whose reward is at least this is right; default 0.5
	Stages       int     `yaml:"stages"`        // 1 to 1000, default 4
	Replay       float64 `yaml:"replay"`        // share of a stage that comes from earlier stages; in [0, 1), default 0.1
	KeepSolved   float64 `yaml:"keep_solved"`   // share of the tasks with p = 1 that stay in front; in [0, 1], default 0.1
	DropUnsolved bool    `yaml:"drop_unsolved"` // leave tasks with p = 0 out; default false
}

var passRate = Info{
	Name:   "pass-rate",
	Doc:    "from easy to hard, by the share of right samples before training",
	Source: "SARI, arXiv:2504.15900",
	New:    func() Options { return &PassRate{Samples: 8, CorrectAt: 0.5, Stages: 4, Replay: 0.1, KeepSolved: 0.1} },
}

// Validate checks the ranges.
func (o *PassRate) Validate() error {
	switch {
	case o.Samples < 1:
		return fmt.Errorf("samples is %d, want 1 or more", o.Samples)
	case math.IsNaN(o.CorrectAt) || math.IsInf(o.CorrectAt, 0):
		return fmt.Errorf("correct_at is %v, want a finite number", o.CorrectAt)
	case o.Stages < 1 || o.Stages > 1000:
		return fmt.Errorf("stages is %d, want 1 to 1000", o.Stages)
	case !(o.Replay >= 0 && o.Replay < 1):
		return fmt.Errorf("replay is %v, want a number in [0, 1)", o.Replay)
	case !(o.KeepSolved >= 0 && o.KeepSolved <= 1):
		return fmt.Errorf("keep_solved is %v, want a number in [0, 1]", o.KeepSolved)
	}
	return nil
}

// Open gives the sampler.
func (o *PassRate) Open(seed uint64, size int) (Sampler, error) {
	if err := finite("pass-rate", size); err != nil {
		return nil, err
	}
	p, err := newPosition("pass-rate", seed, size)
	return &passRateSampler{rankedPosition: rankedPosition{position: p}, o: *o}, err
}

type passRateSampler struct {
	rankedPosition
	o      PassRate
	scores []float64 // p of each task, NaN when no sample has a score
	order  []int     // easy to hard
	stages []int     // where each stage ends in order
	budget uint64    // tasks of the whole run

	shuffled      []int // of one pass through one stage
	ofStage, pass int
}

func (s *passRateSampler) Needs() Needs {
	if s.o.By != "" {
		return Needs{Metadata: s.o.By}
	}
	return Needs{Samples: s.o.Samples}
}

func (s *passRateSampler) Scores() []float64 { return s.scores }

func (s *passRateSampler) Rank(t Table) error {
	s.scores = t.Metadata
	if s.o.By == "" {
		s.scores = make([]float64, len(t.Rewards))
		for i, r := range t.Rewards {
			s.scores[i] = share(r, s.o.CorrectAt)
		}
	}
	if err := t.check(s.kind, s.size, s.scores); err != nil {
		return err
	}
	for i, p := range s.scores {
		if p < 0 || p > 1 {
			return fmt.Errorf("sampler pass-rate: task %d: pass rate %v, want a number in [0, 1]", i, p)
		}
	}
	if s.order = s.easyToHard(); len(s.order) == 0 {
		return fmt.Errorf("sampler pass-rate: none of %d tasks was solved once, and drop_unsolved leaves them out", s.size)
	}
	s.hash = rankingHash(s.order)
	stages := min(s.o.Stages, len(s.order))
	s.stages = nil
	for e := range stages {
		s.stages = append(s.stages, len(s.order)*(e+1)/stages)
	}
	s.budget = uint64(max(t.Budget, 1))
	return nil
}

// share of the known rewards that are right; NaN when none is known.
func share(rewards []float64, correctAt float64) float64 {
	right, known := 0.0, 0.0
	for _, r := range rewards {
		if !math.IsNaN(r) {
			known++
			right += float64(boolToInt(r >= correctAt))
		}
	}
	return right / known
}

// easyToHard orders by falling p: a share of the solved first, then what can be learnt, the rest of the solved, the unsolved.
func (s *passRateSampler) easyToHard() []int {
	var between, solved, unsolved []int
	for _, i := range ranked(s.scores) {
		switch p := s.scores[i]; {
		case p == 1:
			solved = append(solved, i)
		case p > 0:
			between = append(between, i)
		case !s.o.DropUnsolved:
			unsolved = append(unsolved, i)
		}
	}
	shuffleBy(solved, rng.Shuffle(s.seed, rng.Order, solvedShuffle, len(solved)))
	n := int(math.Ceil(s.o.KeepSolved * float64(len(solved))))
	return slices.Concat(solved[:n], between, solved[n:], unsolved)
}

// solvedShuffle keys the choice of solved tasks apart from the shuffles of stages.
const solvedShuffle = math.MaxUint32

func shuffleBy(x, permutation []int) {
	old := slices.Clone(x)
	for i, j := range permutation {
		x[i] = old[j]
	}
}

func (s *passRateSampler) Next(n int) []int {
	out := make([]int, 0, max(n, 0))
	for range n {
		out = append(out, s.order[s.at(s.next)])
		s.next++
	}
	return out
}

// at is a function of t alone: which place of the order the run's t-th task is.
func (s *passRateSampler) at(t uint64) int {
	e := uint64(len(s.stages))
	stage := min(t*e/s.budget, e-1)
	began := (stage*s.budget + e - 1) / e // the first t of the stage
	from, to := 0, s.stages[stage]
	within := t - began
	if stage > 0 {
		from = s.stages[stage-1]
		if s.repeats(t+1) > s.repeats(t) {
			return rng.Intn(s.seed, rng.Order, rng.At{A: uint32(t), B: uint32(t >> 32), D: replayDraw}, from)
		}
		within -= s.repeats(t) - s.repeats(began)
	}
	n := to - from
	pass := int(within / uint64(n))
	if s.shuffled == nil || s.ofStage != int(stage) || s.pass != pass {
		s.ofStage, s.pass = int(stage), pass
		s.shuffled = rng.Shuffle(s.seed, rng.Order, uint32(pass)<<16|uint32(stage), n)
	}
	return from + s.shuffled[within%uint64(n)]
}

// repeats counts the places for repeats before t.
func (s *passRateSampler) repeats(t uint64) uint64 { return uint64(s.o.Replay * float64(t)) }

// replayDraw keys repeats apart from shuffles, which have D 0.
const replayDraw = 2
