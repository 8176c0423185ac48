package schedule

import (
	"encoding"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestRefineEqualsNumpy: smoothing and formula, on norms that fall, with noise and one outlier.
func TestRefineEqualsNumpy(t *testing.T) {
	g := readGolden(t).Refined
	for power, want := range map[float64][]float64{1: g.One, 2: g.Two} {
		curve, err := Refine(g.Norms, power)
		if err != nil || len(want) != 17 {
			t.Fatal(err, len(want))
		}
		for i, w := range want {
			if got := interpolate(curve, float64(i)/16); math.Abs(got-w) > 1e-9 {
				t.Errorf("power %v, place %d: %v, want %v", power, i, got, w)
			}
		}
	}
}

// TestEqualNormsGiveLinearDecay, smoothed or not, and whatever they are.
func TestEqualNormsGiveLinearDecay(t *testing.T) {
	norms := slices.Repeat([]float64{3}, 40)
	for _, power := range []float64{1, 2} {
		curve, err := Refine(norms, power)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range curve {
			if want := 1 - float64(i)/float64(len(curve)-1); math.Abs(f-want) > 1e-9 {
				t.Fatalf("power %v at %d: %v, want %v", power, i, f, want)
			}
		}
	}
	o := &Refined{FromRun: runWith(t, norms), Norm: normL2}
	s := open(t, o)
	for step := range 11 {
		if got := s.Rate(Seen{Step: step, Steps: 11}); math.Abs(got-(1-float64(step)/10)) > 1e-9 {
			t.Errorf("step %d of 11: %v", step, got)
		}
	}
}

// TestRefineLeavesOutWhatIsNoNorm and bounds what a collapse of the norms would do.
func TestRefineLeavesOutWhatIsNoNorm(t *testing.T) {
	norms := slices.Repeat([]float64{3}, 40)
	want, err := Refine(norms, 1)
	if err != nil {
		t.Fatal(err)
	}
	norms = append(norms, math.NaN(), math.Inf(1), 0, -1)
	norms[0], norms[1] = 1e9, 1e-9 // of the ends that are cut
	if got, err := Refine(norms, 1); err != nil || !slices.Equal(got, want) {
		t.Errorf("with values that are no norms the curve is another (error %v)", err)
	}
	collapsed := append(slices.Repeat([]float64{1}, 60), slices.Repeat([]float64{1e-12}, 40)...)
	curve, err := Refine(collapsed, 1)
	if err != nil {
		t.Fatal(err)
	}
	if least := curve[len(curve)/10]; least < 0.005 { // 1/100 of the weight that the last steps have
		t.Errorf("a tenth into a run whose norms collapse the factor is %v, want no less than 0.005", least)
	}
	if _, err := Refine(norms[:13], 1); err == nil || !strings.Contains(err.Error(), "found 13 gradient norms above 0, want at least 14") {
		t.Errorf("error %v", err)
	}
}

// TestMedianFilter against sorting each window.
func TestMedianFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	v := make([]float64, 57)
	for i := range v {
		v[i] = math.Floor(8 * r.Float64()) // with equal values
	}
	got := medianFilter(v, 0.2)
	for i := range v {
		var window []float64
		for j := i - 5; j <= i+5; j++ {
			switch {
			case j < 0:
				window = append(window, v[0])
			case j >= len(v):
				window = append(window, v[len(v)-1-(j-len(v))])
			default:
				window = append(window, v[j])
			}
		}
		slices.Sort(window)
		if got[i] != window[5] {
			t.Errorf("at %d: %v, want %v", i, got[i], window[5])
		}
	}
}

// TestRefinedRefusesAnotherRun and a run without norms.
func TestRefinedRefuses(t *testing.T) {
	norms := make([]float64, 30)
	for i := range norms {
		norms[i] = float64(1 + i%3)
	}
	o := &Refined{FromRun: runWith(t, norms), Norm: normL1}
	saved, _ := open(t, o).(encoding.BinaryMarshaler).MarshalBinary()
	norms[7]++
	for what, other := range map[string]*Refined{"another run": {FromRun: runWith(t, norms), Norm: normL1}, "another norm": {FromRun: o.FromRun, Norm: normL2}} {
		err := open(t, other).(encoding.BinaryUnmarshaler).UnmarshalBinary(saved)
		if err == nil || !strings.Contains(err.Error(), "not those that this run began with") {
			t.Errorf("%s: error %v", what, err)
		}
	}
	for want, dir := range map[string]string{
		"metrics.jsonl": t.TempDir(),
		"grad_norm_l1: found 3 gradient norms above": runWith(t, []float64{1, 2, 3}),
		`no step has "grad_norm_l1"`:                 runWith(t, nil),
	} {
		if _, err := (&Refined{FromRun: dir, Norm: normL1}).Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
