package sampler

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func gain(t *testing.T, size int, edit func(*GainRL)) *gainSampler {
	t.Helper()
	o := settings(gainRL).(*GainRL)
	edit(o)
	return openWith(t, o, 3, size).(*gainSampler)
}

// TestEpochsOfCompletedPrompts: an epoch's tasks are those of its draw, each once, even where a step of other size reaches
// beyond it; the mean moves with the step that completes the m-th.
func TestEpochsOfCompletedPrompts(t *testing.T) {
	const m, size = 10, 60
	for _, each := range []int{5, 10, 4, 7} {
		s := gain(t, size, func(o *GainRL) { o.EpochPrompts, o.FixedMove = m, 3 })
		for epoch := range 5 {
			draw := drawPositions(3, uint32(epoch), size, s.Mean, s.pace.sigma)
			var got []int
			for int(s.Epoch) == epoch {
				if s.Mean != float64(3*epoch) {
					t.Fatalf("epoch %d: mean %v, want %d", epoch, s.Mean, 3*epoch)
				}
				given := s.Next(each)
				s.Observe(outcomes(given))
				for _, task := range given {
					got = append(got, s.place[task])
				}
			}
			want := (m + each - 1) / each * each
			if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(draw[:want]))) {
				t.Errorf("steps of %d, epoch %d: positions %v, want those of the draw %v", each, epoch, got, draw[:want])
			}
		}
	}
}

// TestOrderWithinAnEpoch: shuffled, or as the authors' code does by position.
func TestOrderWithinAnEpoch(t *testing.T) {
	positions := map[string][]int{}
	for _, compat := range []string{compatNone, compatReleased} {
		s := gain(t, 60, func(o *GainRL) { o.EpochPrompts, o.Compat = 20, compat })
		for _, task := range s.Next(20) {
			positions[compat] = append(positions[compat], s.place[task])
		}
	}
	if !slices.IsSorted(positions[compatReleased]) || slices.IsSorted(positions[compatNone]) {
		t.Errorf("positions %v", positions)
	}
	slices.Sort(positions[compatNone])
	if !slices.Equal(positions[compatNone], positions[compatReleased]) {
		t.Errorf("the first epochs draw %v", positions)
	}
}

// TestSignals: what counts as one, and what doesn't.
func TestSignals(t *testing.T) {
	nan := math.NaN()
	o := settings(gainRL).(*GainRL)
	const size = 40
	p := o.pace(size)
	for name, c := range map[string]struct {
		edit    func(*GainRL)
		outcome Outcome
		want    float64
	}{
		"accuracy and angle":  {nil, Outcome{Rewards: []float64{1, .6, .4, nan}, Angles: []float64{.5, .1}}, o.move(p, 2./3, .3)},
		"weights":             {func(o *GainRL) { o.WIntra, o.WInter = 3, 1 }, Outcome{Rewards: []float64{1, 0}, Angles: []float64{.5, .1}}, o.move(p, .5, .4)},
		"no rewards at all":   {nil, Outcome{Angles: []float64{.5, .1}}, o.move(p, nan, .3)},
		"every score missing": {nil, Outcome{Rewards: []float64{nan, nan}, Angles: []float64{.5, .1}}, 0},
		"no angle":            {nil, Outcome{Rewards: []float64{1, 1}}, 0},
		"an empty question":   {nil, Outcome{Rewards: []float64{1, 1}, Angles: []float64{nan, .1}}, 0},
		"one a sample":        {func(o *GainRL) { o.Online = Sequence }, Outcome{Rewards: []float64{1, 1, 1}, Angles: []float64{.1, .2, .6}}, o.move(p, 1, .3)},
		"half the reward":     {func(o *GainRL) { o.Compat = compatReleased }, Outcome{Rewards: []float64{2, 1}, Angles: []float64{.5, .1}}, o.move(p, .75, .3)},
		"back":                {func(o *GainRL) { o.LeastMove = -1 }, Outcome{Rewards: []float64{0, 0}, Angles: []float64{-.5, -.1}}, 0},
	} {
		s := gain(t, size, func(o *GainRL) {
			o.EpochPrompts = 2
			if c.edit != nil {
				c.edit(o)
			}
		})
		s.Observe([]Outcome{c.outcome, c.outcome})
		if s.Epoch != 1 {
			t.Fatalf("%s: epoch %d after 2 prompts, want 1", name, s.Epoch)
		}
		near(t, name+": mean", s.Mean, c.want, 1e-12)
	}
	s := gain(t, size, func(o *GainRL) { o.EpochPrompts, o.Online = 2, onlineStored })
	s.Observe([]Outcome{{Index: 4, Rewards: []float64{1, 0}}, {Index: 9, Rewards: []float64{1, 0}}})
	near(t, "stored: mean", s.Mean, o.move(p, .5, (s.scores[4]+s.scores[9])/4), 1e-12)
	s.Mean = 20
	s.o.LeastMove, s.o.Online = -1, Prompt
	bad := Outcome{Rewards: []float64{0, 0}, Angles: []float64{-.5, -.1}}
	s.Observe([]Outcome{bad, bad})
	near(t, "moved back", s.Mean, 20+p.speed*(math.Tanh(-1)+math.Tanh(-.6)), 1e-12)
	for range 30 {
		good := Outcome{Rewards: []float64{1, 1}, Angles: []float64{.5, .1}}
		s.Observe([]Outcome{good, good})
	}
	near(t, "the end of the ranking", s.Mean, size-1, 0)
}

func TestPace(t *testing.T) {
	o := settings(gainRL).(*GainRL)
	for _, c := range []struct {
		scale string
		size  int
		want  pace
	}{
		{scaleAuto, 4000, pace{500, 1000, 1000}}, {scaleAbsolute, 100, pace{500, 1000, 1000}},
		{scaleAuto, 1000, pace{67, 134, 134}}, {scaleRelative, 10000, pace{670, 1340, 1340}},
	} {
		o.Scale = c.scale
		got := o.pace(c.size)
		near(t, "speed", got.speed, c.want.speed, 1e-9)
		near(t, "sigma", got.sigma, c.want.sigma, 1e-9)
		near(t, "largest", got.largest, c.want.largest, 1e-9)
	}
}

// TestWhatSamplersRefuse with the reason.
func TestWhatSamplersRefuse(t *testing.T) {
	for want, edit := range map[string]func(*GainRL){
		"epoch_prompts is 0":                         func(o *GainRL) { o.EpochPrompts = 0 },
		`order is "up", want one of angle, length`:   func(o *GainRL) { o.Order = "up" },
		`tap is "x", want one of final_norm_out`:     func(o *GainRL) { o.Tap = "x" },
		`scale is ""`:                                func(o *GainRL) { o.Scale = "" },
		`online is "y"`:                              func(o *GainRL) { o.Online = "y" },
		`compat is "trl"`:                            func(o *GainRL) { o.Compat = "trl" },
		"w_intra is -1":                              func(o *GainRL) { o.WIntra = -1 },
		"w_inter is 0, want a number >= 0, not both": func(o *GainRL) { o.WIntra, o.WInter = 0, 0 },
		"alpha is 0":                                 func(o *GainRL) { o.Alpha = 0 },
		"beta is 1.5":                                func(o *GainRL) { o.Beta = 1.5 },
		"least_move is -2":                           func(o *GainRL) { o.LeastMove = -2 },
		"fixed_move is -1":                           func(o *GainRL) { o.FixedMove = -1 },
		"correct_at is NaN":                          func(o *GainRL) { o.CorrectAt = math.NaN() },
		"online stored has no meaning with compat":   func(o *GainRL) { o.Online, o.Compat = onlineStored, compatReleased },
	} {
		o := settings(gainRL).(*GainRL)
		edit(o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	for want, o := range map[string]Options{
		"samples is 0":              &PassRate{Stages: 4},
		"stages is 1001":            &PassRate{Samples: 1, Stages: 1001},
		"replay is 1":               &PassRate{Samples: 1, Stages: 4, Replay: 1},
		"keep_solved is -0.1":       &PassRate{Samples: 1, Stages: 4, KeepSolved: -.1},
		"correct_at is +Inf":        &PassRate{Samples: 1, Stages: 4, CorrectAt: math.Inf(1)},
		"by is missing":             &Ascending{},
		"rest is 0, want 1 to 1000": &Filtered{},
	} {
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	o := settings(gainRL)
	if _, err := o.Open(1, 13); err == nil || !strings.Contains(err.Error(), "13 tasks, want at least 14") {
		t.Errorf("13 tasks in epochs of 7: error %v", err)
	}
	if _, err := o.Open(1, Unlimited); err == nil || !strings.Contains(err.Error(), "has no end") {
		t.Errorf("an env without end: error %v", err)
	}
	unsolved := Table{Tokens: make([]float64, 2), Rewards: [][]float64{{0}, {math.NaN()}}}
	s, _ := (&PassRate{Samples: 1, Stages: 4, CorrectAt: .5, DropUnsolved: true}).Open(1, 2)
	if err := s.(Ranker).Rank(unsolved); err == nil || !strings.Contains(err.Error(), "none of 2 tasks was solved") {
		t.Errorf("nothing solved: error %v", err)
	}
	s, _ = (&PassRate{By: "p", Samples: 1, Stages: 4}).Open(1, 2)
	if err := s.(Ranker).Rank(Table{Tokens: make([]float64, 2), Metadata: []float64{.5, 2}}); err == nil || !strings.Contains(err.Error(), "task 1: pass rate 2") {
		t.Errorf("a pass rate of 2: error %v", err)
	}
}

// TestSpearman: ranks written down by hand, through numpy.corrcoef.
func TestSpearman(t *testing.T) {
	nan := math.NaN()
	near(t, "without ties", Spearman([]float64{1, 2, 3, 4, 5}, []float64{5, 6, 7, 8, 7}), 0.8207826816681234, 1e-12)
	near(t, "with ties", Spearman([]float64{1, 1, 2, 9, 3, 3}, []float64{2, 7, 1, 8, 2, 8}), 0.49999999999999994, 1e-12)
	near(t, "NaN left out", Spearman([]float64{1, nan, 2, 3}, []float64{3, 9, 2, 1}), -1, 1e-12)
	for _, x := range [][]float64{{}, {1}, {2, 2}} {
		if got := Spearman(x, []float64{1, 2}[:len(x)]); !math.IsNaN(got) {
			t.Errorf("%v: %v, want NaN", x, got)
		}
	}
}
