package bench

import (
	"context"
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy"
)

// GrowthSpec says which points are measured.
type GrowthSpec struct {
	Model, Precision string
	Backend          func(threads int) (compute.Backend, error)
	Threads          []int
	Batches          []int // sequences decoded together
	Lengths          []int // tokens of a sequence, in training and prompt processing
	PromptTokens     int   // of a decoded sequence; eight share a prompt
	Tokens           int   // sampled of each
	Rows             int   // tokens of a training step at least: so many sequences of the length
	ElementBytes     int
	Repeats          int
	Tell             func(GrowthPoint) // unless nil, told of each point
}

// Work is a kind of point.
type Work string

// The kinds of points, in the order of the picture.
const (
	Decoding Work = "decode"  // tokens sampled a second, against the batch
	Prompts  Work = "prefill" // prompt tokens a second, against the length
	Training Work = "train"   // tokens trained a second, against the length
)

// GrowthPoint is one measurement.
type GrowthPoint struct {
	Work      Work
	Threads   int
	X         int // batch or length
	PerSecond Spread
	Run
}

// samplesOfPrompt is how many sequences share a prompt where a batch has so many.
const samplesOfPrompt = 8

// Growth measures every point that the model's context has room for. It ends early with what it has when ctx does.
func Growth(ctx context.Context, s GrowthSpec) ([]GrowthPoint, error) {
	var points []GrowthPoint
	add := func(work Work, threads, x int, v Spread, r Run) {
		if v.N == 0 {
			return
		}
		points = append(points, GrowthPoint{work, threads, x, v, r})
		if s.Tell != nil {
			s.Tell(points[len(points)-1])
		}
	}
	for _, threads := range s.Threads {
		context, err := s.decoding(ctx, threads, add)
		if err != nil {
			return points, err
		}
		if err := s.prompts(ctx, threads, context, add); err != nil {
			return points, err
		}
		if err := s.training(ctx, threads, context, add); err != nil {
			return points, err
		}
	}
	return points, nil
}

type addPoint func(work Work, threads, x int, v Spread, r Run)

// open loads the model for generation, with memory of its own.
func (s GrowthSpec) open(threads int) (*policy.Model, error) {
	b, err := s.Backend(threads)
	if err != nil {
		return nil, err
	}
	m, err := policy.Open(s.Model, b)
	if err == nil {
		m.Freeze()
	}
	return m, err
}

// decoding measures sampling against the batch. most is the model's context.
func (s GrowthSpec) decoding(ctx context.Context, threads int, add addPoint) (most int, err error) {
	m, err := s.open(threads)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	for _, n := range s.Batches {
		samples := samplesOfPrompt
		for n%samples != 0 {
			samples--
		}
		r, err := Decode(ctx, m, DecodeSpec{Prompts: n / samples, Samples: samples, PromptTokens: s.PromptTokens, Tokens: s.Tokens,
			ElementBytes: s.ElementBytes, Repeats: s.Repeats})
		if err != nil {
			return 0, err
		}
		add(Decoding, threads, n, r.Decode, r.Run)
	}
	return m.Context(), nil
}

// prompts measures their processing against the length.
func (s GrowthSpec) prompts(ctx context.Context, threads, most int, add addPoint) error {
	m, err := s.open(threads)
	if err != nil {
		return err
	}
	defer m.Close()
	for _, n := range s.Lengths {
		if n >= most {
			continue
		}
		r, err := Decode(ctx, m, DecodeSpec{Prompts: 1, Samples: 1, PromptTokens: n, Tokens: 1, ElementBytes: s.ElementBytes, Repeats: s.Repeats})
		if err != nil {
			return err
		}
		add(Prompts, threads, n, r.Prefill, r.Run)
	}
	return nil
}

// training measures steps of SFT against the length.
func (s GrowthSpec) training(ctx context.Context, threads, most int, add addPoint) error {
	for _, n := range s.Lengths {
		if ctx.Err() != nil {
			return nil
		}
		if n >= most { // one more token is the last target
			continue
		}
		b, err := s.Backend(threads)
		if err != nil {
			return err
		}
		spec := RecipeSpec{Backend: b, Model: s.Model, Precision: s.Precision, Adapter: "none", Repeats: s.Repeats}
		r, err := Train(ctx, TrainSpec{RecipeSpec: spec, Batch: max(1, (s.Rows+n-1)/n), Length: n})
		if err != nil {
			return fmt.Errorf("length %d: %w", n, err)
		}
		add(Training, threads, n, r.Tokens, r.Run)
	}
	return nil
}

// of lists the points of a kind by x, then by threads.
func of(points []GrowthPoint, w Work) []GrowthPoint {
	var out []GrowthPoint
	for _, p := range points {
		if p.Work == w {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b GrowthPoint) int {
		if a.X != b.X {
			return a.X - b.X
		}
		return a.Threads - b.Threads
	})
	return out
}
