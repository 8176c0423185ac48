package sampler

import (
	"bytes"
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// settings are what a sampler needs to be opened over 20 tasks and more.
func settings(info Info) Options {
	o := info.New()
	switch o := o.(type) {
	case *GainRL:
		o.EpochPrompts = 7
	case *Ascending:
		o.By = "quality"
	}
	return o
}

func open(t testing.TB, name string, seed uint64, size int) Sampler {
	t.Helper()
	info, ok := Lookup(name)
	if !ok {
		t.Fatalf("no sampler %q", name)
	}
	return openWith(t, settings(info), seed, size)
}

func openWith(t testing.TB, o Options, seed uint64, size int) Sampler {
	t.Helper()
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := o.Open(seed, size)
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := s.(Ranker); ok {
		if err := r.Rank(measured(size)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// measured is a table of every column, in no order that the index gives away.
func measured(size int) Table {
	t := Table{Budget: 60}
	for i := range size {
		x := float64(i*7%size) / float64(size)
		t.Tokens, t.Question = append(t.Tokens, float64(20+i%5)), append(t.Question, float64(10+i%5))
		t.Intra, t.Inter = append(t.Intra, 1-x), append(t.Inter, x*x)
		t.Released, t.Metadata = append(t.Released, 3*x), append(t.Metadata, x)
		t.Rewards = append(t.Rewards, []float64{float64(i % 2), float64(i % 3), math.NaN()})
	}
	return t
}

// outcomes are those of a policy that gets rewards by the task's index, some missing.
func outcomes(indices []int) (out []Outcome) {
	for _, i := range indices {
		out = append(out, Outcome{Index: i, Rewards: []float64{float64(i % 2), math.NaN(), float64(i % 3 / 2)}, Angles: []float64{float64(i%7) / 9, float64(i%4) / 5}})
	}
	return out
}

// Every sampler, stopped after any step and resumed, gives what an unbroken one gives, reports the same, and leaves the
// same state; what the fresh one did before must not matter.
func TestResumeEqualsUnbroken(t *testing.T) {
	const steps, each = 14, 4 // not a divisor of anything
	for _, info := range All() {
		for _, size := range []int{23, 100, Unlimited} {
			if _, err := settings(info).Open(5, size); err != nil && strings.Contains(err.Error(), "has no end") {
				continue
			}
			t.Run(fmt.Sprintf("%s/size=%d", info.Name, size), func(t *testing.T) {
				fresh := func() Sampler { return open(t, info.Name, 5, size) }
				whole, given, states := fresh(), [][]int{}, [][]byte{}
				for range steps {
					given = append(given, whole.Next(each))
					whole.Observe(outcomes(given[len(given)-1]))
					states = append(states, save(t, whole))
				}
				for stop := range steps - 1 {
					s := fresh()
					s.Observe(outcomes(s.Next(3)))
					if err := s.(encoding.BinaryUnmarshaler).UnmarshalBinary(states[stop]); err != nil {
						t.Fatal(err)
					}
					for step := stop + 1; step < steps; step++ {
						got := s.Next(each)
						s.Observe(outcomes(got))
						if !slices.Equal(got, given[step]) || !bytes.Equal(save(t, s), states[step]) {
							t.Fatalf("resumed after step %d: step %d gives %v, want %v, or leaves another state", stop, step, got, given[step])
						}
					}
					if a, ok := s.(Reporter); ok && !reflect.DeepEqual(a.Report(), whole.(Reporter).Report()) {
						t.Errorf("resumed after step %d: reports %v, want %v", stop, a.Report(), whole.(Reporter).Report())
					}
				}
			})
		}
	}
}

func save(t *testing.T, s Sampler) []byte {
	t.Helper()
	b, err := s.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCallsMayBeCut: 20 at once are the first 20 of several calls, as when a step asks for more.
func TestCallsMayBeCut(t *testing.T) {
	for _, info := range All() {
		for _, size := range []int{14, 100} {
			s := open(t, info.Name, 5, size)
			got := slices.Concat(s.Next(3), s.Next(0), s.Next(1), s.Next(16))
			if want := open(t, info.Name, 5, size).Next(20); !slices.Equal(got, want) {
				t.Errorf("%s over %d: %v in pieces, %v at once", info.Name, size, got, want)
			}
		}
	}
}

// TestAnotherRankingIsRefused when a run is resumed: the same state over other measurements.
func TestAnotherRankingIsRefused(t *testing.T) {
	for _, info := range All() {
		s, ok := open(t, info.Name, 5, 30).(Ranker)
		if !ok {
			continue
		}
		state, other := save(t, s), measured(30)
		for _, column := range [][]float64{other.Intra, other.Metadata} {
			slices.Reverse(column)
		}
		slices.Reverse(other.Rewards)
		if err := s.Rank(other); err != nil {
			t.Fatal(err)
		}
		if err := s.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err == nil || !strings.Contains(err.Error(), "the tasks are ranked as") {
			t.Errorf("%s: error %v, want one about the ranking", info.Name, err)
		}
		if err := s.Rank(measured(29)); err == nil || !strings.Contains(err.Error(), "measurements of 29 tasks, want 30") {
			t.Errorf("%s: error %v, want one about 29 tasks", info.Name, err)
		}
	}
}

func TestUniformGivesEveryTaskOnceAnEpoch(t *testing.T) {
	const size = 50
	s := open(t, "uniform", 1, size)
	var epochs [2][]int
	for e := range epochs {
		epochs[e] = append(s.Next(20), s.Next(30)...)
		sorted := slices.Sorted(slices.Values(epochs[e]))
		for i, index := range sorted {
			if i != index {
				t.Fatalf("epoch %d: index %d in place %d of the sorted epoch", e, index, i)
			}
		}
	}
	if slices.Equal(epochs[0], epochs[1]) {
		t.Error("two epochs have the same order")
	}
	if slices.Equal(epochs[0], open(t, "uniform", 2, size).Next(size)) {
		t.Error("two seeds give the same order")
	}
}

func TestUniformWithoutEndNeverRepeats(t *testing.T) {
	a, b := open(t, "uniform", 1, Unlimited).Next(1000), open(t, "uniform", 2, Unlimited).Next(1000)
	seen := map[int]bool{}
	for _, i := range slices.Concat(a, b) {
		if i < 0 || seen[i] {
			t.Fatalf("index %d is negative or comes twice", i)
		}
		seen[i] = true
	}
}

func TestSequentialWrapsRound(t *testing.T) {
	if got := open(t, "sequential", 9, 3).Next(7); !slices.Equal(got, []int{0, 1, 2, 0, 1, 2, 0}) {
		t.Errorf("got %v", got)
	}
	if got := open(t, "sequential", 9, Unlimited).Next(4); !slices.Equal(got, []int{0, 1, 2, 3}) {
		t.Errorf("got %v", got)
	}
}

func TestAnotherRunsStateIsRefused(t *testing.T) {
	saved, _ := open(t, "uniform", 1, 100).(encoding.BinaryMarshaler).MarshalBinary()
	for _, c := range []struct {
		name string
		seed uint64
		size int
		b    []byte
		want string
	}{
		{"seed", 2, 100, saved, "saved with seed 1, this run has 2"},
		{"size", 1, 99, saved, "saved over 100 tasks, this env has 99 tasks"},
		{"unlimited", 1, Unlimited, saved, "this env has unlimited tasks"},
		{"short", 1, 100, saved[:24], "saved state of 24 bytes"},
		{"version", 1, 100, append([]byte{2}, saved[1:]...), "want version 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := open(t, "uniform", c.seed, c.size).(encoding.BinaryUnmarshaler).UnmarshalBinary(c.b)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAnEmptyEnvIsAnError(t *testing.T) {
	for _, info := range All() {
		for _, size := range []int{0, -2} {
			if _, err := settings(info).Open(1, size); err == nil {
				t.Errorf("%s: size %d is accepted", info.Name, size)
			}
		}
	}
}

func TestRegisterPanics(t *testing.T) {
	for name, info := range map[string]Info{
		"empty": {New: func() Options { return &Uniform{} }},
		"nil":   {Name: "x"},
		"taken": {Name: "uniform", New: func() Options { return &Uniform{} }},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			Register(info)
		})
	}
}
