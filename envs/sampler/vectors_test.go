package sampler

import (
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/rng"
)

// vectors are worked examples a sampler, from the paper or by hand.
var vectors = map[string]func(t *testing.T){
	"uniform":    uniformVectors,
	"sequential": sequentialVectors,
	"gain-rl": func(t *testing.T) {
		t.Run("update", gainUpdate)
		t.Run("draws", gainDraws)
		t.Run("ranking", gainRanking)
	},
	"pass-rate": passRateVectors,
	"ascending": ascendingVectors,
	"filtered":  filteredVectors,
}

// TestEverySamplerHasVectorsAndAnExample walks the table: a name without either fails.
func TestEverySamplerHasVectorsAndAnExample(t *testing.T) {
	text, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range builtin {
		check, ok := vectors[info.Name]
		if !ok {
			t.Errorf("%s has no vectors", info.Name)
			continue
		}
		t.Run(info.Name, check)
		if kind := reflect.TypeOf(info.New()).Elem().Name(); !strings.Contains(string(text), "func Example"+kind+"()") {
			t.Errorf("%s has no Example%s", info.Name, kind)
		}
		if info.Doc == "" || info.Source == "" {
			t.Errorf("%s has no doc or no source", info.Name)
		}
	}
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %.9g, want %.9g", what, got, want)
	}
}

func uniformVectors(t *testing.T) {
	const size = 9
	s := open(t, "uniform", 4, size)
	for epoch := range uint32(3) {
		if got, want := s.Next(size), rng.Shuffle(4, rng.Order, epoch, size); !slices.Equal(got, want) {
			t.Errorf("epoch %d is %v, want the shuffle %v", epoch, got, want)
		}
	}
}

func sequentialVectors(t *testing.T) {
	if got := open(t, "sequential", 9, 3).Next(7); !slices.Equal(got, []int{0, 1, 2, 0, 1, 2, 0}) {
		t.Errorf("got %v", got)
	}
}

var released = pace{500, 1000, 1000} // the authors' constants

// gainUpdate is worked example D.
func gainUpdate(t *testing.T) {
	o := gainRL.New().(*GainRL)
	for _, c := range []struct{ a, c, accuracy, angle, step float64 }{
		{.5, .35, 0, 302.183889, 302.183889}, {.6, .3, 98.687660, 268.524783, 367.212444}, {.1, .2, -332.018385, 189.974481, 0},
		{.9, .8, 332.018385, 460.834277, 792.852662}, {1, 1, 380.797078, 482.013790, 862.810868}, {0, 0, -380.797078, 0, 0},
		{.3, .3, -189.974481, 268.524783, 78.550302}, // accuracy .6 halved, as the released code does
	} {
		near(t, "step", o.move(released, c.a, c.c), c.step, 1e-6)
		free := *o
		free.LeastMove = -1
		near(t, "accuracy term", free.move(released, c.a, 0), c.accuracy, 1e-6)
		near(t, "angle term", free.move(released, .5, c.c), c.angle, 1e-6)
		near(t, "step without accuracy", free.move(released, math.NaN(), c.c), c.angle, 1e-6)
	}
	near(t, "the largest step", (&GainRL{Alpha: 9, Beta: 0}).move(pace{500, 1000, 700}, 1, 1), 700, 0)
	near(t, "the smallest step", (&GainRL{Alpha: 9, Beta: 1, LeastMove: -.5}).move(released, 0, -1), -500, 0)

	for compat, centres := range map[string][]float64{
		compatNone:     {0, 196.239762, 465.432128, 465.432128, 1065.975297},
		compatReleased: {0, 0, 196.239762, 465.432128, 465.432128}, // a step behind
	} {
		s := openWith(t, &GainRL{EpochPrompts: 1, Order: orderAngle, Tap: TapNames[0], WIntra: 1, WInter: 1, Scale: scaleAbsolute,
			Alpha: 2, Beta: .5, CorrectAt: .5, Online: Sequence, Compat: compat}, 1, 4000).(*gainSampler)
		for i, x := range [][2]float64{{.42, .31}, {.48, .33}, {.05, .1}, {.8, .4}, {0, 0}} {
			if got := s.Next(1)[0]; got != s.order[drawPositions(1, uint32(i), 4000, centres[i], 1000)[0]] {
				t.Errorf("compat %s: epoch %d isn't drawn around %v", compat, i, centres[i])
			}
			rewards := make([]float64, 100) // a share of right samples; rewards of 2 for the halved mean
			for k := range rewards {
				if float64(k) < x[0]*100-.5 {
					rewards[k] = 2
				}
			}
			s.Observe([]Outcome{{Index: 0, Rewards: rewards, Angles: []float64{x[1]}}})
			if compat == compatNone && i < 4 {
				near(t, "mean", s.Mean, centres[i+1], 1e-6)
			}
		}
	}
}

// gainDraws is worked example E.
func gainDraws(t *testing.T) {
	total := 0.0
	weights := []float64{.800737, 1, .800737, .411112, .135335, .028566}
	for i, w := range weights {
		near(t, "weight", math.Exp(logWeight(i, 1, 1.5)), w, 1e-6)
		total += w
	}
	for i, p := range []float64{.252083, .314813, .252083, .129424, .042605, .008993} {
		near(t, "probability", weights[i]/total, p, 1e-6)
	}
	const draws = 400_000
	var first, inclusion [4]float64
	for epoch := range uint32(draws) {
		order := drawPositions(3, epoch, 4, 0, 1)
		first[order[0]]++
		inclusion[order[0]]++
		inclusion[order[1]]++
	}
	for i, p := range []float64{.570459, .346001, .077203, .006337} {
		near(t, "share of first draws", first[i]/draws, p, 2e-3)
	}
	for i, p := range []float64{.923626, .836666, .221071, .018636} {
		near(t, "inclusion", inclusion[i]/draws, p, 2e-3)
	}
	for mean, want := range map[float64]float64{0: 797.57, 3000: 3004.41, 7473: 6674.80} {
		sum, weight := 0.0, 0.0
		for i := range 7473 {
			w := math.Exp(logWeight(i, mean, 1000))
			sum, weight = sum+w*float64(i), weight+w
		}
		near(t, "expected position", sum/weight, want, 5e-3)
	}
	far := drawPositions(1, 0, 7473, 1e6, 1000) // every weight is 0 in float64
	if last := slices.Sorted(slices.Values(far[:256])); last[0] < 7200 {
		t.Errorf("a mean far behind the end draws position %d, want the last ones", last[0])
	}
	if all := slices.Sorted(slices.Values(far)); len(slices.Compact(all)) != 7473 {
		t.Error("a whole draw leaves positions out")
	}
	if !slices.Equal(far, drawPositions(1, 0, 7473, 1e6, 1000)) || slices.Equal(far[:9], drawPositions(1, 1, 7473, 1e6, 1000)[:9]) {
		t.Error("a draw isn't a function of seed and epoch")
	}
}

func gainRanking(t *testing.T) {
	nan := math.NaN()
	if got := ranked([]float64{nan, 1, 2, nan, 2}); !slices.Equal(got, []int{2, 4, 1, 0, 3}) {
		t.Errorf("ranked %v: want falling scores, equals and NaN by index, NaN last", got)
	}
	table := measured(30)
	table.Intra[3] = nan
	orders := map[string][]int{}
	for _, order := range []string{orderAngle, orderLength, orderResidual, orderRandom} {
		o := settings(gainRL).(*GainRL)
		o.Order = order
		s := openWith(t, o, 1, 30).(*gainSampler)
		if err := s.Rank(table); err != nil {
			t.Fatal(err)
		}
		orders[order] = s.order
	}
	c := make([]float64, 30)
	for i := range c {
		c[i] = table.Intra[i] + table.Inter[i]
	}
	if !slices.Equal(orders[orderAngle], ranked(c)) || orders[orderAngle][29] != 3 {
		t.Errorf("by angle: %v", orders[orderAngle])
	}
	for k := 1; k < 30; k++ {
		if table.Tokens[orders[orderLength][k]] < table.Tokens[orders[orderLength][k-1]] {
			t.Errorf("by length: %v", orders[orderLength])
		}
	}
	if slices.Equal(orders[orderRandom], orders[orderAngle]) || slices.Equal(orders[orderResidual], orders[orderAngle]) {
		t.Error("a control has the order of the angles")
	}
	r := residual([]float64{1, 2, nan, 4}, []float64{1, math.E, 5, math.E * math.E}) // 1, 2, 4 on 0, 1, 2: 0.8333 + 1.5x
	for i, want := range []float64{1. / 6, -1. / 3, nan, 1. / 6} {
		if math.IsNaN(want) != math.IsNaN(r[i]) || !math.IsNaN(want) && math.Abs(r[i]-want) > 1e-12 {
			t.Errorf("residuals %v", r)
		}
	}
}

// passRateVectors: eight tasks, worked by hand.
func passRateVectors(t *testing.T) {
	p := []float64{0, 1, .5, .25, 1, .75, 0, 1}
	sorted := func(x []int) []int { return slices.Sorted(slices.Values(x)) }
	serve := func(o PassRate, budget int) *passRateSampler {
		s, err := o.Open(1, len(p))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.(Ranker).Rank(Table{Budget: budget, Tokens: make([]float64, len(p)), Metadata: p}); err != nil {
			t.Fatal(err)
		}
		return s.(*passRateSampler)
	}
	s := serve(PassRate{By: "p", Samples: 8, Stages: 4, KeepSolved: .1}, 8)
	if got := s.order[1:4]; !slices.Equal(got, []int{5, 2, 3}) || !slices.Contains([]int{1, 4, 7}, s.order[0]) || !slices.Equal(sorted(s.order[6:]), []int{0, 6}) {
		t.Errorf("order %v, want one solved task, 5 2 3, the other solved ones, the unsolved", s.order)
	}
	order := slices.Clone(s.order)
	for stage := range 4 {
		if got, want := sorted(s.Next(2)), sorted(order[2*stage:2*stage+2]); !slices.Equal(got, want) {
			t.Errorf("stage %d serves %v, want %v", stage, got, want)
		}
	}
	if got := s.Next(20); slices.ContainsFunc(got, func(i int) bool { return p[i] != 0 }) {
		t.Errorf("after the end: %v, want the last stage again", got)
	}
	if s := serve(PassRate{By: "p", Samples: 8, Stages: 2, DropUnsolved: true}, 6); len(s.order) != 6 || s.order[0] != 5 {
		t.Errorf("without the unsolved: %v", s.order)
	}
	s = serve(PassRate{By: "p", Samples: 8, Stages: 2, Replay: .25}, 800)
	first, second := s.Next(400), s.Next(400)
	easy, hard, repeats := s.order[:4], s.order[4:], 0
	for _, i := range second {
		if slices.Contains(easy, i) {
			repeats++
		} else if !slices.Contains(hard, i) {
			t.Fatalf("task %d is of neither stage", i)
		}
	}
	if repeats != 100 || slices.ContainsFunc(first, func(i int) bool { return !slices.Contains(easy, i) }) {
		t.Errorf("%d of 400 repeat the first stage, want 100, and none the other way", repeats)
	}
	near(t, "share", share([]float64{1, math.NaN(), .4, .6}, .5), 2./3, 1e-15)
}

func ascendingVectors(t *testing.T) {
	s := openWith(t, &Ascending{By: "quality"}, 1, 5).(*ascendingSampler)
	if err := s.Rank(Table{Tokens: make([]float64, 5), Metadata: []float64{3, 1, 2, 1, -4}}); err != nil {
		t.Fatal(err)
	}
	if got := s.Next(7); !slices.Equal(got, []int{4, 1, 3, 2, 0, 4, 1}) {
		t.Errorf("got %v", got)
	}
}

func filteredVectors(t *testing.T) {
	nan := math.NaN()
	sorted := func(x []int) []int { return slices.Sorted(slices.Values(x)) }
	s := openWith(t, &Filtered{Rest: 2}, 1, 4)
	tell := func(index int, rewards ...float64) { s.Observe([]Outcome{{Index: index, Rewards: rewards}}) }
	s.Next(4)
	tell(0, 1, 1, nan) // flat
	tell(1, 0, 1)      // not
	tell(2, 1, nan)    // unknown
	tell(3, 0, 0)      // flat
	if got := sorted(s.Next(2)); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("epoch 1: %v, want 1 and 2", got)
	}
	if r := s.(Reporter).Report(); r[0].Value != 1 || r[1].Value != 2 {
		t.Errorf("report %v", r)
	}
	tell(1, .3, .3)
	if got := s.Next(1); got[0] != 2 {
		t.Errorf("epoch 2: %v, want 2", got)
	}
	tell(2, 0, 0)
	if got := sorted(s.Next(2)); !slices.Equal(got, []int{0, 3}) {
		t.Errorf("epoch 3: %v, want 0 and 3 back", got)
	}
	tell(0, 1, 1)
	tell(3, 1, 1)
	if got := sorted(s.Next(1)); !slices.Equal(got, []int{1}) { // flat in epoch 1, so left out of 2 and 3
		t.Errorf("epoch 4: %v, want 1", got)
	}
	tell(1, 1, 1)
	if got := s.Next(1); got[0] != 2 {
		t.Errorf("epoch 5: %v, want 2", got)
	}
	one := openWith(t, &Filtered{Rest: 5}, 1, 2)
	one.Observe([]Outcome{{Index: 0, Rewards: []float64{0, 0}}, {Index: 1, Rewards: []float64{0, 0}}})
	one.Next(2)
	if got := sorted(one.Next(2)); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("all left out: %v, want all back", got)
	}
}
