package rng

import (
	"math"
	"testing"
)

// Known answers of Philox4x32-10, from the file kat_vectors of the authors' library Random123.
func TestPhiloxKnownAnswers(t *testing.T) {
	f := ^uint32(0)
	for _, c := range []struct {
		ctr  [4]uint32
		key  [2]uint32
		want [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{f, f, f, f}, [2]uint32{f, f}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0}, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := philox(c.ctr, c.key); got != c.want {
			t.Errorf("philox(%x, %x) = %x, want %x", c.ctr, c.key, got, c.want)
		}
	}
}

func TestNormalMoments(t *testing.T) {
	var s, s2 float64
	const n = 100_000
	for i := range uint32(n) {
		x := Normal(7, Init, At{i, 0, 0, 0})
		s += x
		s2 += x * x
	}
	if m, v := s/n, s2/n; math.Abs(m) > 0.015 || math.Abs(v-1) > 0.02 {
		t.Errorf("mean %g, variance %g", m, v)
	}
}

func TestStreamsAndPlacesDiffer(t *testing.T) {
	a := Uniform(1, Sampling, At{1, 2, 3, 4})
	for _, b := range []float64{Uniform(2, Sampling, At{1, 2, 3, 4}), Uniform(1, Init, At{1, 2, 3, 4}), Uniform(1, Sampling, At{1, 2, 3, 5}), Uniform(1, Sampling, At{2, 2, 3, 4})} {
		if a == b {
			t.Errorf("two places gave %g", a)
		}
	}
}

func TestShuffleIsAPermutation(t *testing.T) {
	seen := make([]bool, 100)
	for _, i := range Shuffle(3, Order, 0, 100) {
		seen[i] = true
	}
	for i, s := range seen {
		if !s {
			t.Errorf("%d is missing", i)
		}
	}
}

// TestGumbelMoments: the mean is Euler's constant, the variance π²/6.
func TestGumbelMoments(t *testing.T) {
	var s, s2 float64
	const n = 100_000
	for i := range uint32(n) {
		x := Gumbel(7, Order, At{i, 0, 0, 0})
		s += x
		s2 += x * x
	}
	m := s / n
	if v := s2/n - m*m; math.Abs(m-0.5772) > 0.015 || math.Abs(v-math.Pi*math.Pi/6) > 0.04 {
		t.Errorf("mean %g, variance %g", m, v)
	}
}
