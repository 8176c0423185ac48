package schedule

import (
	"math"
	"testing"
)

// vector is a rule, the steps of its run, and its factors at some steps. Later steps see more.
type vector struct {
	rule  Options
	of    Schedule // instead of a rule: one that is in use
	steps int
	seen  []Seen // Steps is filled in
	want  []float64
	tol   float64 // 0: as near as float64 comes
}

// at is a run's steps, nothing else seen.
func at(steps ...int) (out []Seen) {
	for _, s := range steps {
		out = append(out, Seen{Step: s, Cosine: math.NaN()})
	}
	return out
}

// tokens is step 1 of a long run, after so many tokens.
func tokens(n ...float64) (out []Seen) {
	for _, x := range n {
		out = append(out, Seen{Step: 1, Tokens: int64(x), Cosine: math.NaN()})
	}
	return out
}

// table1 are the steps of a common table: peak 1, T = 100, W = 10.
var table1 = at(0, 5, 10, 55, 90, 95, 100)

// vectors has every registered rule. The numbers are its paper's, or its formula worked out apart from this code.
var vectors = map[string][]vector{
	"constant": {
		{rule: &Constant{Warmup: 0.1}, steps: 100, seen: table1, want: []float64{0, 0.5, 1, 1, 1, 1, 1}},
		{rule: &Constant{}, steps: 100, seen: at(0, 99), want: []float64{1, 1}},
	},
	"linear": {
		{rule: &Linear{Warmup: 0.1}, steps: 100, seen: table1, want: []float64{0, 0.5, 1, 0.5, 1. / 9, 5. / 90, 0}},
		{rule: &Linear{}, steps: 100, seen: at(0, 25, 99), want: []float64{1, 0.75, 0.01}},
		{rule: &Linear{Warmup: 0.1, Floor: 0.1}, steps: 100, seen: at(5, 10, 55, 100), want: []float64{0.5, 1, 0.55, 0.1}},
		{rule: &Linear{Floor: 1}, steps: 100, seen: at(0, 99), want: []float64{1, 1}},
	},
	"cosine": {
		{rule: &Cosine{Warmup: 0.1, Floor: 0.1}, steps: 100, seen: table1, want: []float64{0, 0.5, 1, 0.55, 0.127138, 0.106837, 0.1}, tol: 5e-7},
		// The 405M runs of the paper: 3e-4 to 3e-5, 1% warm-up.
		{rule: cosine.New(), steps: 1000, seen: at(0, 5, 10, 1000), want: []float64{0, 0.5, 1, 3e-5 / 3e-4}},
	},
	"wsd": {
		{rule: &WSD{Warmup: 0.1, Decay: 0.1, Shape: "exponential", HalfLife: 0.5}, steps: 100, seen: table1, want: []float64{0, 0.5, 1, 1, 1, 0.5, 0.25}},
		{rule: &WSD{Warmup: 0.1, Decay: 0.2, Shape: "1-sqrt", HalfLife: 1, Floor: 0.1}, steps: 100, seen: table1,
			want: []float64{0, 0.5, 1, 1, 0.363604, 0.220577, 0.1}, tol: 5e-7},
		{rule: &WSD{Decay: 0.2, Shape: "linear", HalfLife: 1}, steps: 100, seen: at(0, 79, 80, 85, 95), want: []float64{1, 1, 1, 0.75, 0.25}},
		{rule: &WSD{Shape: "linear", HalfLife: 1}, steps: 100, seen: at(0, 99, 100), want: []float64{1, 1, 1}}, // no phases but the stable one
	},
	"infinite": {
		{rule: &Infinite{Warmup: 0.1, Cooldown: 0.4, Hold: 0.5, Decay: 0.2, Floor: 0.05}, steps: 100, seen: at(5, 10, 30, 50, 80, 90, 100),
			want: []float64{0.5, 1, 0.75, 0.5, 0.5, 0.158114, 0.05}, tol: 5e-7},
		// The 405M runs: 1.65e-4 of 3e-4 held after 60% of the steps.
		{rule: infinite.New(), steps: 1000, seen: at(610, 700, 899), want: []float64{0.55, 0.55, 0.55}},
		{rule: &Infinite{Hold: 0.5, Floor: 0.1}, steps: 100, seen: at(0, 99), want: []float64{0.5, 0.5}},
	},
	"rewarm": {
		// Two stages, of 100 and of 50 steps, each the cosine column of the table at its own length.
		{rule: &Rewarm{Starts: []float64{2. / 3}, Warmup: 0.1, Shape: "cosine", Floor: 0.1}, steps: 150, seen: at(0, 5, 10, 55, 90, 95, 99, 100, 105, 127),
			want: []float64{0, 0.5, 1, 0.55, 0.127138, 0.106837, 0.1 + 0.45*(1+math.Cos(math.Pi*89/90)), 0, 1, 0.55 + 0.45*math.Cos(math.Pi*22/45)}, tol: 5e-7},
		{rule: &Rewarm{Starts: []float64{0.5}, Shape: "linear"}, steps: 20, seen: at(0, 9, 10, 19), want: []float64{1, 0.1, 1, 0.1}},
		{rule: &Rewarm{Shape: "linear"}, steps: 20, seen: at(0, 10, 19), want: []float64{1, 0.5, 0.05}}, // no further stage: linear
	},
	"power": {
		// Rates of the paper's law under a peak of 0.02, for batches of 1,024 and 128 sequences of 4,096 tokens.
		{rule: law(1024), steps: 1 << 30, seen: tokens(1e9, 1e10, 1e11, 1e12), want: []float64{1, 1, 0.0100545 / 0.02, 0.00310713 / 0.02}, tol: 1e-5},
		{rule: law(128), steps: 1 << 30, seen: tokens(1e9, 1e10, 1e11, 1e12), want: []float64{0.0131604 / 0.02, 0.00406696 / 0.02, 0.00125681 / 0.02, 0.000388392 / 0.02}, tol: 1e-5},
		// Warm-up to the factor of its end, 1/2 at 4 caps of tokens and exponent -1/2; the decay from that of its start.
		{rule: &Power{Warmup: 0.2, CapTokens: 10, Exponent: -0.5, Decay: 0.5, Shape: "linear"}, steps: 20,
			seen: []Seen{{}, {Step: 2, Tokens: 20}, {Step: 4, Tokens: 40}, {Step: 9, Tokens: 90}, {Step: 10, Tokens: 100}, {Step: 15, Tokens: 150}},
			want: []float64{0, 0.25, 0.5, 1. / 3, math.Sqrt(0.1), math.Sqrt(0.1) / 2}},
	},
	"refined": {
		{of: &refinedRate{curve: refine([]float64{1, 1, 1, 1, 1}, 1)}, steps: 5, seen: at(0, 1, 2, 3, 4), want: []float64{1, 0.75, 0.5, 0.25, 0}},
		{of: &refinedRate{curve: refine([]float64{4, 2, 1, 1, 2}, 1)}, steps: 5, seen: at(0, 1, 2, 3, 4), want: []float64{0.5, 0.833333, 1, 0.333333, 0}, tol: 5e-7},
		{of: &refinedRate{curve: refine([]float64{4, 2, 1, 1, 2}, 2)}, steps: 5, seen: at(0, 1, 2, 3, 4), want: []float64{0.125, 0.45, 1, 0.2, 0}},
	},
	"replay": {
		// A run of five updates whose rates were these shares of its base; a sixth update keeps the last.
		{of: &replayed{factors: []float64{0, 0.5, 1, 0.4, 0.05}}, steps: 6, seen: at(0, 1, 2, 3, 4, 5), want: []float64{0, 0.5, 1, 0.4, 0.05, 0.05}},
	},
	"hypergradient": {
		// u = (1,0), (.5,.5), (-1,.5) at a first rate of 0.1.
		{rule: &Hypergradient{Kappa: 0.02, Floor: 0.01, Ceiling: 10}, steps: 100, tol: 1e-7,
			seen: []Seen{{Cosine: math.NaN()}, {Step: 1, Cosine: math.NaN()}, {Step: 2, Cosine: 0.707107}, {Step: 3, Cosine: -0.316228}},
			want: []float64{1, 1, 0.10141421 / 0.1, 0.10077281 / 0.1}},
		{rule: &Hypergradient{Warmup: 0.2, Kappa: 0.5, Floor: 0.5, Ceiling: 2}, steps: 10,
			seen: []Seen{{Cosine: math.NaN()}, {Step: 1, Cosine: math.NaN()}, {Step: 2, Cosine: 1}, {Step: 3, Cosine: 1}, {Step: 4, Cosine: -1}, {Step: 5, Cosine: -1}, {Step: 6, Cosine: -1}},
			want: []float64{0, 0.5, 1.5, 2, 1, 0.5, 0.5}},
	},
}

// law is the power rule of the paper for a batch in sequences, under its peak of 0.02, without warm-up and decay.
func law(batch float64) Options {
	return &Power{CapTokens: int64(CapTokens(0.02, batch)), Exponent: -0.51, Shape: "linear"}
}

// TestVectors: every registered rule has some, and agrees with them.
func TestVectors(t *testing.T) {
	for _, i := range All() {
		t.Run(i.Name, func(t *testing.T) {
			if len(vectors[i.Name]) == 0 {
				t.Fatal("no vectors: a rule is registered with numbers from its source")
			}
			for n, v := range vectors[i.Name] {
				v.check(t, n)
			}
		})
	}
	if len(vectors) != len(All()) {
		t.Errorf("vectors of %d rules, %d are registered", len(vectors), len(All()))
	}
}

func (v vector) check(t *testing.T, n int) {
	t.Helper()
	s := v.of
	if s == nil {
		if err := v.rule.Validate(); err != nil {
			t.Fatalf("vector %d: %v", n, err)
		}
		s = open(t, v.rule)
	}
	if len(v.seen) != len(v.want) {
		t.Fatalf("vector %d: %d steps, %d factors", n, len(v.seen), len(v.want))
	}
	for i, seen := range v.seen {
		seen.Steps = v.steps
		if got := s.Rate(seen); !(math.Abs(got-v.want[i]) <= v.tol+1e-15) {
			t.Errorf("vector %d: %+v at step %d of %d: %v, want %v", n, v.rule, seen.Step, v.steps, got, v.want[i])
		}
	}
}

func open(t *testing.T, o Options) Schedule {
	t.Helper()
	s, err := o.Open()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCapTokens: where the paper's law leaves its cap.
func TestCapTokens(t *testing.T) {
	for batch, want := range map[float64]float64{128: 4.40e8, 1024: 2.60e10} {
		if got := CapTokens(0.02, batch); math.Abs(got/want-1) > 2e-3 {
			t.Errorf("batch %v: %v tokens, want %v", batch, got, want)
		}
	}
}
