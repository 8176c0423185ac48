package schedule

import (
	"encoding"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/train/run"
)

func TestWarmupSteps(t *testing.T) {
	for _, c := range []struct {
		warmup float64
		steps  int
		want   int
	}{{0, 100, 0}, {0.05, 80, 4}, {0.05, 30, 2}, {0.07, 100, 7}, {0.1, 30, 3}, {0.05, 1, 1}, {0.99, 10, 10}} {
		if got := WarmupSteps(c.warmup, c.steps); got != c.want {
			t.Errorf("warmup %v of %d steps: %d, want %d", c.warmup, c.steps, got, c.want)
		}
	}
}

// usable is every registered rule at its defaults, with what has none.
func usable(t *testing.T) map[string]Options {
	out := map[string]Options{}
	for _, i := range All() {
		o := i.New()
		norms := []float64{9, 3, 2, 2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2}
		switch r := o.(type) {
		case *Refined:
			r.FromRun = runWith(t, norms)
		case *Replay:
			r.FromRun = runWith(t, norms)
		}
		if err := o.Validate(); err != nil {
			t.Errorf("%s: the defaults are refused: %v", i.Name, err)
		}
		out[i.Name] = o
	}
	return out
}

// runWith is a run folder whose steps had these gradient norms, and rates that fell with them.
func runWith(t *testing.T, norms []float64) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"step":0,"eval/both":0.5}` + "\n")
	for i, g := range norms {
		fmt.Fprintf(&b, `{"step":%d,"grad_norm":%v,"grad_norm_l1":%v,"lr":%v,"lr/base":0.5}`+"\n", i+1, g/2, g, g/20)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, run.MetricsFile), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestEveryRuleAtAnyLength: factors are finite and not negative, with no division by 0, where phases have no steps too.
func TestEveryRuleAtAnyLength(t *testing.T) {
	rules := usable(t)
	for name, o := range map[string]Options{
		"linear, all warm-up": &Linear{Warmup: 0.99, Floor: 0.5}, "constant, all warm-up": &Constant{Warmup: 0.99},
		"wsd, all phases": &WSD{Warmup: 0.5, Decay: 0.5, Shape: "exponential", HalfLife: 1}, "wsd, all decay": &WSD{Decay: 1, Shape: "1-sqrt", HalfLife: 1},
		"infinite, no hold": &Infinite{Warmup: 0.3, Cooldown: 0.3, Decay: 0.4, Hold: 1, Floor: 1}, "rewarm, many": &Rewarm{Starts: []float64{0.1, 0.11, 0.5}, Warmup: 0.9, Shape: "linear"},
		"power, all phases": &Power{Warmup: 0.5, Decay: 0.5, CapTokens: 1, Exponent: -1, Shape: "1-sqrt"},
	} {
		if err := o.Validate(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		rules[name] = o
	}
	for name, o := range rules {
		most := 1.0
		if h, ok := o.(*Hypergradient); ok {
			most = h.Ceiling
		}
		for _, steps := range []int{1, 2, 3, 7, 50, 1000} {
			s := open(t, o)
			for step := range steps {
				seen := Seen{Step: step, Steps: steps, Tokens: int64(step) * 9_000_000, Cosine: math.Sin(float64(step * step))}
				if r := s.Rate(seen); !(r >= 0 && r <= most+1e-12) {
					t.Errorf("%s: factor %v at %d of %d", name, r, step, steps)
				}
			}
		}
	}
}

// TestObserves: a rule that says it observes nothing looks at the step alone, and one that says so looks at it.
func TestObserves(t *testing.T) {
	for name, o := range usable(t) {
		info, _ := Lookup(name)
		blind, sighted := open(t, o), open(t, o)
		differs := false
		for step := range 50 {
			a := blind.Rate(Seen{Step: step, Steps: 50, Cosine: math.NaN()})
			b := sighted.Rate(Seen{Step: step, Steps: 50, Tokens: int64(step) * 1e9, GradNorm: 3, GradL1: 9, Cosine: 0.5})
			differs = differs || a != b
		}
		if differs != (info.Observes != "") {
			t.Errorf("%s says that it observes %q, and what is seen changes its rate: %v", name, info.Observes, differs)
		}
	}
}

// TestMemory: a rule that remembers goes on from what it saved, to the bit, whatever it did before.
func TestMemory(t *testing.T) {
	for name, o := range usable(t) {
		whole, first, second := open(t, o), open(t, o), open(t, o)
		m, remembers := first.(encoding.BinaryMarshaler)
		if _, reads := first.(encoding.BinaryUnmarshaler); reads != remembers {
			t.Errorf("%s saves or reads its memory and not both", name)
		}
		if !remembers {
			second = first
		}
		for step := range 40 {
			seen := Seen{Step: step, Steps: 40, Tokens: int64(step) * 100, Cosine: math.Cos(float64(step))}
			want := whole.Rate(seen)
			if remembers && step == 20 {
				data, err := m.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				second.Rate(Seen{Steps: 40, Cosine: 1})
				u := second.(encoding.BinaryUnmarshaler)
				if err := u.UnmarshalBinary(data); err != nil {
					t.Fatal(err)
				}
				for _, bad := range [][]byte{nil, data[1:], append(slices.Clone(data), 0)} {
					if err := open(t, o).(encoding.BinaryUnmarshaler).UnmarshalBinary(bad); err == nil || !strings.Contains(err.Error(), name) {
						t.Errorf("%s: a memory of %d bytes: error %v", name, len(bad), err)
					}
				}
			}
			rule := first
			if step >= 20 {
				rule = second
			}
			if got := rule.Rate(seen); got != want {
				t.Errorf("%s: step %d after its memory was read: %v, want %v", name, step, got, want)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	for want, o := range map[string]Options{
		"warmup is 1, want a share in [0, 1)":                   &Constant{Warmup: 1},
		"warmup is 100, want a share in [0, 1)":                 &Linear{Warmup: 100},
		"warmup is NaN, want a share in [0, 1)":                 &Linear{Warmup: math.NaN()},
		"floor is 1.5, want a share in [0, 1]":                  &Linear{Floor: 1.5},
		"floor is -1, want a share in [0, 1]":                   &Cosine{Floor: -1},
		"warmup is -0.1, want a share in [0, 1)":                &Cosine{Warmup: -0.1},
		"warmup, decay are 1.5 together, want at most 1":        &WSD{Warmup: 0.75, Decay: 0.75, Shape: "linear", HalfLife: 1},
		"decay is 2, want a share in [0, 1]":                    &WSD{Decay: 2, Shape: "linear", HalfLife: 1},
		`shape is "cosine", want one of exponential, linear, 1`: &WSD{Shape: "cosine", HalfLife: 1},
		"half_life is 0, want a share > 0":                      &WSD{Shape: "linear"},
		"floor is 2, want a share in [0, 1]":                    &WSD{Shape: "linear", HalfLife: 1, Floor: 2},
		"hold is 0, want a share in (0, 1]":                     &Infinite{Floor: 0.1},
		"floor is 0.5, want a share in (0, hold], hold is 0.25": &Infinite{Floor: 0.5, Hold: 0.25},
		"floor is 0, want a share in (0, hold]":                 &Infinite{Hold: 0.25},
		"warmup, cooldown, decay are 1.5 together":              &Infinite{Warmup: 0.5, Cooldown: 0.5, Decay: 0.5, Hold: 1, Floor: 1},
		"starts are [0.5 0.5], want shares":                     &Rewarm{Starts: []float64{0.5, 0.5}, Shape: "linear"},
		"starts are [0], want shares":                           &Rewarm{Starts: []float64{0}, Shape: "linear"},
		"starts are [0.1 1], want shares":                       &Rewarm{Starts: []float64{0.1, 1}, Shape: "linear"},
		`shape is "1-sqrt", want one of cosine, linear`:         &Rewarm{Shape: "1-sqrt"},
		"cap_tokens is 0, want 1 or more":                       &Power{Shape: "linear"},
		"exponent is 0.51, want a number in [-1, 0]":            &Power{CapTokens: 1, Exponent: 0.51, Shape: "linear"},
		"from_run is missing":                                   &Refined{Norm: "l1"},
		`norm is "l3", want one of l1, l2`:                      &Refined{FromRun: "x", Norm: "l3"},
		"kappa is 1, want a share in [0, 1)":                    &Hypergradient{Kappa: 1, Floor: 1, Ceiling: 1},
		"floor is 0, want a multiple in (0, 1]":                 &Hypergradient{Ceiling: 1},
		"ceiling is 0.5, want a multiple >= 1":                  &Hypergradient{Floor: 1, Ceiling: 0.5},
		"ceiling is +Inf, want a multiple >= 1":                 &Hypergradient{Floor: 1, Ceiling: math.Inf(1)},
	} {
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// golden is testdata/golden.json, written by golden.py beside it.
type golden struct {
	Curves  map[string][]float64
	Refined struct {
		Norms []float64
		One   []float64 `json:"1"`
		Two   []float64 `json:"2"`
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestEqualsTransformers at every step.
func TestEqualsTransformers(t *testing.T) {
	rules := map[string]Options{
		"constant": &Constant{Warmup: 0.1}, "linear": &Linear{Warmup: 0.1}, "cosine": &Cosine{Warmup: 0.1},
		"cosine, floor 0.1":      &Cosine{Warmup: 0.1, Floor: 0.1},
		"wsd, linear":            &WSD{Warmup: 0.1, Decay: 0.2, Shape: "linear", HalfLife: 1},
		"wsd, 1-sqrt, floor 0.1": &WSD{Decay: 0.2, Shape: "1-sqrt", HalfLife: 1, Floor: 0.1},
		"rewarm":                 &Rewarm{Starts: []float64{1. / 3, 2. / 3}, Shape: "cosine"},
	}
	curves := readGolden(t).Curves
	for name, want := range curves {
		if rules[name] == nil {
			t.Errorf("no rule for %s", name)
			continue
		}
		s := open(t, rules[name])
		for step, w := range want {
			if got := s.Rate(Seen{Step: step, Steps: len(want)}); math.Abs(got-w) > 1e-14 {
				t.Errorf("%s at %d: %v, want %v", name, step, got, w)
			}
		}
	}
	if len(curves) != len(rules) {
		t.Errorf("%d curves, want %d", len(curves), len(rules))
	}
}

// TestEveryRuleHasAnExample in this package, named after its options.
func TestEveryRuleHasAnExample(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "example_test.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			have[fn.Name.Name] = true
		}
	}
	for _, i := range builtin {
		if want := "Example" + reflect.TypeOf(i.New()).Elem().Name(); !have[want] {
			t.Errorf("%s has no %s", i.Name, want)
		}
	}
}
