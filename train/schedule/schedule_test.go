package schedule

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// Vectors for peak 1, T = 100, W = 10; those with floor 0 equal transformers' get_linear_schedule_with_warmup(10, 100).
func TestVectors(t *testing.T) {
	for _, c := range []struct {
		s    Schedule
		want map[int]float64
	}{
		{&Linear{Warmup: 0.1}, map[int]float64{0: 0, 5: 0.5, 10: 1, 55: 0.5, 90: 1. / 9, 95: 5. / 90, 100: 0}},
		{&Linear{}, map[int]float64{0: 1, 25: 0.75, 99: 0.01}},
		{&Linear{Warmup: 0.1, Floor: 0.1}, map[int]float64{5: 0.5, 10: 1, 55: 0.55, 100: 0.1}},
		{&Linear{Floor: 1}, map[int]float64{0: 1, 99: 1}},
		{&Constant{Warmup: 0.1}, map[int]float64{0: 0, 5: 0.5, 10: 1, 99: 1}},
		{&Constant{}, map[int]float64{0: 1, 99: 1}},
	} {
		for step, want := range c.want {
			if got := c.s.Rate(step, 100); math.Abs(got-want) > 1e-15 {
				t.Errorf("%+v at %d: %v, want %v", c.s, step, got, want)
			}
		}
	}
}

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

// TestEverySchedule: factors stay in [0, 1] for any length, with no division by 0.
func TestEverySchedule(t *testing.T) {
	for _, i := range All() {
		s := i.New()
		if err := s.Validate(); err != nil {
			t.Errorf("%s: the defaults are refused: %v", i.Name, err)
		}
		for _, o := range []Schedule{s, &Linear{Warmup: 0.99, Floor: 0.5}, &Constant{Warmup: 0.99}} {
			for _, steps := range []int{1, 2, 3, 50} {
				for step := range steps + 1 {
					if r := o.Rate(step, steps); !(r >= 0 && r <= 1) {
						t.Errorf("%s: factor %v at %d of %d", i.Name, r, step, steps)
					}
				}
			}
		}
	}
}

func TestValidate(t *testing.T) {
	for want, o := range map[string]Options{
		"warmup is 1, want a share in [0, 1)":   &Constant{Warmup: 1},
		"warmup is 100, want a share in [0, 1)": &Linear{Warmup: 100},
		"warmup is NaN, want a share in [0, 1)": &Linear{Warmup: math.NaN()},
		"floor is 1.5, want a share in [0, 1]":  &Linear{Floor: 1.5},
		"floor is -1, want a share in [0, 1]":   &Linear{Floor: -1},
	} {
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func ExampleLinear() {
	s := &Linear{Warmup: 0.4}
	for step := range 5 {
		fmt.Printf("%.2f ", s.Rate(step, 5))
	}
	// Output: 0.00 0.50 1.00 0.67 0.33
}
