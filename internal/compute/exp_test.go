package compute_test

import (
	"math"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

func TestExpRelativeError(t *testing.T) {
	const bound = 2e-7
	worst, at := 0.0, float32(0)
	check := func(x float32) {
		want := math.Exp(float64(x))
		if e := math.Abs(float64(compute.Exp(x))-want) / want; e > worst || math.IsNaN(e) {
			worst, at = e, x
		}
	}
	for x := float32(-87.3365); x < 88.7228; x += 1.7e-4 { // uniform: about a million points
		check(x)
	}
	for b := uint32(1); b < math.Float32bits(87.3); b += 1009 { // by bits: the tiny ones too
		check(math.Float32frombits(b))
		check(-math.Float32frombits(b))
	}
	if !(worst < bound) {
		t.Errorf("exp(%g): relative error %.3g, want below %g", at, worst, bound)
	}
	t.Logf("largest relative error %.3g at %g", worst, at)
}

func TestExpLimits(t *testing.T) {
	inf := float32(math.Inf(1))
	last := float32(88.72283) // exp of the next float32 overflows
	for _, c := range []struct{ x, want float32 }{
		{0, 1}, {float32(math.Copysign(0, -1)), 1}, {-inf, 0}, {inf, inf}, {-1e30, 0}, {-88, 0}, {89, inf},
		{math.Nextafter32(last, 89), inf}, {math.MaxFloat32, inf}, {-math.MaxFloat32, 0},
	} {
		if got := compute.Exp(c.x); got != c.want {
			t.Errorf("exp(%g) = %g, want %g", c.x, got, c.want)
		}
	}
	if got := compute.Exp(last); math.IsInf(float64(got), 0) || got < 3.4e38 {
		t.Errorf("exp(%g) = %g, want the largest finite value but a few", last, got)
	}
	if got := compute.Exp(float32(math.NaN())); got == got {
		t.Errorf("exp(NaN) = %g, want NaN", got)
	}
	if got := compute.Exp(-87.33654); got < 1.1754942e-38 || got > 1.2e-38 {
		t.Errorf("exp(-87.33654) = %g, want the smallest normal number", got)
	}
}

// TestExpBits holds bits that a change of the polynomial, or fused arithmetic on another platform, would move.
// They were read from this implementation on amd64; exp(0.3) is the one that isn't rounded correctly.
func TestExpBits(t *testing.T) {
	for x, want := range map[float32]uint32{
		1: 0x402df854, -1: 0x3ebc5ab2, 0.3: 0x3facc82c, -0.7: 0x3efe406e, -12.34567: 0x3691e9b3, 33.3: 0x5783c1fa,
		-80.1: 0x5ada933, 88.7: 0x7f7a37fc, 1e-5: 0x3f800054,
	} {
		if got := math.Float32bits(compute.Exp(x)); got != want {
			t.Errorf("exp(%g) = %#x, want %#x", x, got, want)
		}
	}
}

func BenchmarkExp(b *testing.B) {
	x := make([]float32, 4096)
	for i := range x {
		x[i] = -float32(i) / 300
	}
	b.SetBytes(int64(4 * len(x)))
	var sum float32
	for b.Loop() {
		for _, v := range x {
			sum += compute.Exp(v)
		}
	}
	sink = sum
}

var sink float32
