package sampler

import (
	"cmp"
	"crypto/sha256"
	"math"
	"slices"

	"github.com/burnish-rl/burnish/internal/rng"
)

// move is how far the mean goes after an epoch with this share of right samples and this mean angle signal.
//
//	clamp(n·tanh(α(a-β)) + n·tanh(αc), least·largest, largest)
//
// Without an accuracy (NaN: the algorithm scores nothing) its term is left out.
func (o *GainRL) move(p pace, accuracy, angle float64) float64 {
	d := p.speed * math.Tanh(o.Alpha*angle)
	if !math.IsNaN(accuracy) {
		d += p.speed * math.Tanh(o.Alpha*(accuracy-o.Beta))
	}
	return min(max(d, o.LeastMove*p.largest), p.largest)
}

// logWeight of a position: of the Gaussian that positions are drawn with.
func logWeight(position int, mean, sigma float64) float64 {
	z := (float64(position) - mean) / sigma
	return -z * z / 2
}

// drawPositions gives the positions 0 … n-1 in the order in which successive draws without replacement, with weights
// exp(-(i-mean)²/2σ²), give them. Weights are never computed, so none can vanish.
func drawPositions(seed uint64, epoch uint32, n int, mean, sigma float64) []int {
	key, order := make([]float64, n), make([]int, n)
	for i := range order {
		order[i] = i
		key[i] = logWeight(i, mean, sigma) + rng.Gumbel(seed, rng.Order, rng.At{A: epoch, B: uint32(i), D: gumbelDraw})
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(key[b], key[a]) })
	return order
}

// gumbelDraw keys these draws apart from shuffles, which have D 0.
const gumbelDraw = 3

type gainSampler struct {
	o    GainRL
	seed uint64
	size int
	pace pace

	order  []int     // the ranking: the task at each position
	place  []int     // its inverse
	scores []float64 // what tasks were ranked by, by task
	stored []float64 // the angle signal of the ranking, in [-1, 1], by task
	tokens []float64
	hash   [sha256.Size]byte

	gainPlace
	seen []byte // a bit a task that was completed once

	walk []int // positions of the epoch, in the order in which they are given; nil before the first use
	step []Metric
}

// gainPlace is what a checkpoint holds beside the ranking's hash.
type gainPlace struct {
	Epoch     uint32
	Unscored  bool   // the epoch's outcomes had no rewards at all
	Given     uint64 // tasks, in the epoch
	Done      uint64 // tasks completed in it
	Mean      float64
	Before    float64 // the mean of the epoch before, which compat released draws with
	Right     float64 // sums over the epoch, and of how many
	Rights    uint64
	Angles    float64
	AngleN    uint64
	Accuracy  float64 // of the last whole epoch, NaN before
	Angle     float64
	Completed uint64 // tasks that were completed once or more
}

func (s *gainSampler) Needs() Needs {
	n := Needs{Tap: s.o.Tap, Online: s.o.Online}
	if n.Online == onlineStored {
		n.Online = ""
	}
	return n
}

func (s *gainSampler) Scores() []float64 { return s.scores }

func (s *gainSampler) Rank(t Table) error {
	if err := t.check("gain-rl", s.size, t.Question, t.Intra, t.Inter, t.Released); err != nil {
		return err
	}
	s.scores, s.tokens = s.o.score(t), t.Tokens
	s.stored = make([]float64, s.size)
	for i, c := range s.scores {
		s.stored[i] = c / (s.o.WIntra + s.o.WInter)
	}
	switch s.o.Order {
	case orderAngle:
		s.order = ranked(s.scores)
	case orderLength:
		s.order = ranked(negated(t.Tokens))
	case orderResidual:
		s.scores = residual(s.scores, t.Question)
		s.order = ranked(s.scores)
	case orderRandom:
		s.order = rng.Shuffle(s.seed, rng.Order, math.MaxUint32, s.size)
	}
	s.place = make([]int, s.size)
	for position, task := range s.order {
		s.place[task] = position
	}
	s.hash = rankingHash(s.order)
	return nil
}

// Next goes through the epoch's draw: m positions, shuffled (compat released: in the order of the ranking), and behind
// them those that would have been drawn next, which a step that begins before the epoch's end may need.
func (s *gainSampler) Next(n int) []int {
	out := make([]int, 0, max(n, 0))
	if s.walk == nil {
		s.walk = s.draw()
	}
	for range n {
		out = append(out, s.order[s.walk[s.Given%uint64(s.size)]])
		s.Given++
	}
	return out
}

func (s *gainSampler) draw() []int {
	mean := s.Mean
	if s.o.Compat == compatReleased {
		mean = s.Before
	}
	walk := drawPositions(s.seed, s.Epoch, s.size, mean, s.pace.sigma)
	m := s.o.EpochPrompts
	if s.o.Compat == compatReleased {
		slices.Sort(walk[:m])
	} else {
		shuffleBy(walk[:m], rng.Shuffle(s.seed, rng.Order, s.Epoch, m))
	}
	return walk
}

// Observe adds up what became of the tasks. The epoch ends with the step that completes its m-th.
func (s *gainSampler) Observe(outcomes []Outcome) {
	var places, lengths []float64
	for _, o := range outcomes {
		s.complete(o)
		places, lengths = append(places, float64(s.place[o.Index])), append(lengths, s.tokens[o.Index])
	}
	if s.Done >= uint64(s.o.EpochPrompts) {
		s.turn()
	}
	s.step = []Metric{
		{"epoch", float64(s.Epoch)}, {"mean", s.Mean}, {"position", mean(places)}, {"prompt_tokens", mean(lengths)},
		{"accuracy", s.Accuracy}, {"angle", s.Angle}, {"completed_once", float64(s.Completed)},
	}
}

func (s *gainSampler) complete(o Outcome) {
	s.Done++
	if bit := byte(1) << (o.Index % 8); s.seen[o.Index/8]&bit == 0 {
		s.seen[o.Index/8] |= bit
		s.Completed++
	}
	if o.Rewards == nil {
		s.Unscored = true
	}
	for _, r := range o.Rewards {
		if math.IsNaN(r) {
			continue
		}
		s.Rights++
		if s.o.Compat == compatReleased {
			s.Right += r / 2
		} else {
			s.Right += float64(boolToInt(r >= s.o.CorrectAt))
		}
	}
	for _, c := range s.signals(o) {
		if !math.IsNaN(c) {
			s.Angles += c
			s.AngleN++
		}
	}
}

// signals are the angle signals of a task, in [-1, 1].
func (s *gainSampler) signals(o Outcome) []float64 {
	switch {
	case s.o.Online == onlineStored:
		return []float64{s.stored[o.Index]}
	case s.o.Online == Prompt && len(o.Angles) == 2:
		return []float64{s.o.weigh(o.Angles[0], o.Angles[1]) / (s.o.WIntra + s.o.WInter)}
	}
	return o.Angles
}

// turn ends the epoch. Without signals the mean stays where it is.
func (s *gainSampler) turn() {
	s.Accuracy, s.Angle = s.Right/float64(s.Rights), s.Angles/float64(s.AngleN)
	s.Before = s.Mean
	switch {
	case s.o.FixedMove > 0:
		s.Mean += s.o.FixedMove
	case s.AngleN > 0 && (s.Rights > 0 || s.Unscored):
		s.Mean += s.o.move(s.pace, s.Accuracy, s.Angle)
	}
	s.Mean = min(max(s.Mean, 0), float64(s.size-1))
	s.Epoch, s.Given, s.Done, s.walk, s.Unscored = s.Epoch+1, 0, 0, nil, false
	s.Right, s.Rights, s.Angles, s.AngleN = 0, 0, 0, 0
}

// Report gives the mean's position and what moved it.
func (s *gainSampler) Report() []Metric { return s.step }

const gainVersion = 1

// MarshalBinary saves the place in the walk; the draw under way is a function of it.
func (s *gainSampler) MarshalBinary() ([]byte, error) {
	return saved(gainVersion, s.seed, s.size, s.hash, s.gainPlace, s.seen), nil
}

// UnmarshalBinary goes on from a saved place in the same ranking.
func (s *gainSampler) UnmarshalBinary(b []byte) error {
	var hash [sha256.Size]byte
	s.walk = nil
	if err := restored("gain-rl", b, gainVersion, s.seed, s.size, &hash, &s.gainPlace, s.seen); err != nil {
		return err
	}
	return sameRanking("gain-rl", hash, s.hash)
}
