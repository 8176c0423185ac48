package sampler

import (
	"encoding"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func open(t *testing.T, name string, seed uint64, size int) Sampler {
	t.Helper()
	info, ok := Lookup(name)
	if !ok {
		t.Fatalf("no sampler %q", name)
	}
	o := info.New()
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := o.Open(seed, size)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every sampler, stopped after 10 and resumed, gives what an unbroken one gives; so does every way to cut the calls.
func TestResumeEqualsUnbroken(t *testing.T) {
	for _, info := range All() {
		for _, size := range []int{1, 7, 100, Unlimited} {
			t.Run(fmt.Sprintf("%s/size=%d", info.Name, size), func(t *testing.T) {
				want := open(t, info.Name, 5, size).Next(20)

				first := open(t, info.Name, 5, size)
				got := first.Next(10)
				first.Observe([]Outcome{{Index: got[0], Rewards: []float64{1, 0}}})
				saved, err := first.(encoding.BinaryMarshaler).MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				second := open(t, info.Name, 5, size)
				second.Next(3) // what it did before must not matter
				if err := second.(encoding.BinaryUnmarshaler).UnmarshalBinary(saved); err != nil {
					t.Fatal(err)
				}
				got = append(got, second.Next(4)...)
				got = append(got, second.Next(6)...)
				if !slices.Equal(got, want) {
					t.Errorf("resumed %v, want %v", got, want)
				}
			})
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
			if _, err := info.New().Open(1, size); err == nil {
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

func ExampleUniform() {
	s, _ := new(Uniform).Open(1, 5)
	epoch := s.Next(5)
	slices.Sort(epoch)
	fmt.Println(epoch)
	// Output: [0 1 2 3 4]
}

func ExampleSequential() {
	s, _ := new(Sequential).Open(1, 3)
	fmt.Println(s.Next(2), s.Next(2))
	// Output: [0 1] [2 0]
}
