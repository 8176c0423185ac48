package snr

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/rng"
)

// measure is Measure of gradients in the open.
func measure(grads ...[]float64) Estimate {
	q, sum := 0.0, make([]float64, len(grads[0]))
	for _, g := range grads {
		for i, x := range g {
			q += x * x
			sum[i] += x
		}
	}
	n2 := 0.0
	for _, x := range sum {
		n2 += x * x
	}
	return Measure(q, n2, len(grads))
}

// is compares with a number of the digest, to its digits.
func is(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 6e-7) {
		t.Errorf("%s is %.7f, want %.6f", what, got, want)
	}
}

// TestBanditRatios is the SNR of group 1: 8 samples of a bandit with |g|² = .0728, at three baselines.
func TestBanditRatios(t *testing.T) {
	for _, c := range []struct{ variance, samples, snr, rho float64 }{
		{.1662, 8, 3.504212, .777986}, {.0438, 8, 13.296804, .930054}, {.0324193548, 8, 17.964577, .947270}, {.0324193548, 1, 2.245572, .691888},
	} {
		snr := .0728 / (c.variance / c.samples)
		is(t, "SNR", snr, c.snr)
		is(t, "rho", Ratio(snr), c.rho)
	}
	if Ratio(math.Inf(1)) != 1 {
		t.Error("without noise rho is not 1")
	}
}

// TestEstimators is group 7.
func TestEstimators(t *testing.T) {
	e := measure([]float64{3, 0}, []float64{1, 2}, []float64{2, 1}, []float64{2, -1})
	is(t, "|gbar|²", e.Squared, 4.25)
	is(t, "S2", e.Single(), 2.333333)
	is(t, "Vhat", e.Noise(), .583333)
	is(t, "Mhat", e.Signal, 3.666667)
	is(t, "rho", e.Ratio(), .862745)
	is(t, "SNR", e.Signal/e.Noise(), 6.285714)
	signal, noise := TwoSizes(4.25, 24./4, 4, 1)
	is(t, "two sizes: signal", signal, 3.666667)
	is(t, "two sizes: noise", noise, 2.333333)

	low := measure([]float64{1, 0}, []float64{-1, 1})
	is(t, "Mhat of two", low.Signal, -1)
	o := Defaults()
	o.Beta = 0
	r := New(o)
	low.Groups = EnoughGroups
	r.Step(low)
	is(t, "rho at the floor", r.Ratio(), .05)
}

// TestSmoothing is the end of group 7.
func TestSmoothing(t *testing.T) {
	o := Defaults()
	o.Beta = .9
	r := New(o)
	for i, e := range []Estimate{{8, 3, 4}, {8, -.5, 2}, {8, 1, 3}} {
		r.Step(e)
		is(t, "rho", r.Ratio(), []float64{.75, .392857, .370647}[i])
		m, _ := r.Means()
		is(t, "corrected M", m, []float64{3, 1.157895, 1.099631}[i])
	}
}

// TestQuadratic is group 8: J = -θ'θ has L = 2; the rate 1/L·ρ gains the most.
func TestQuadratic(t *testing.T) {
	const l, g2, noise = 2.0, 20.0, 5.0
	gain := func(eta float64) float64 { return eta*g2 - l/2*eta*eta*(g2+noise) }
	is(t, "SNR", g2/noise, 4)
	eta := Ratio(g2/noise) / l
	is(t, "rho", Ratio(g2/noise), .8)
	is(t, "eta", eta, .4)
	is(t, "gain", gain(eta), 4)
	is(t, "η|g|²/2", eta*g2/2, 4)
	is(t, "gain at .5", gain(.5), 3.75)
	is(t, "gain at .2", gain(.2), 3)
	theta := []float64{1, 2} // without noise: the optimum in one step
	for i := range theta {
		theta[i] += Ratio(math.Inf(1)) / l * -2 * theta[i]
	}
	if theta[0] != 0 || theta[1] != 0 {
		t.Errorf("theta %v after a step without noise, want the optimum", theta)
	}
}

// TestUnbiased is group 9: Gaussian gradients in 100 dimensions.
func TestUnbiased(t *testing.T) {
	const trials, k, dims = 20_000, 8, 100
	var signal, noise float64
	grads := make([][]float64, k)
	for trial := range trials {
		for i := range grads {
			grads[i] = make([]float64, dims)
			for j := range dims {
				grads[i][j] = .5 * rng.Normal(5, rng.Tasks, rng.At{A: uint32(trial), B: uint32(i), C: uint32(j)})
			}
			grads[i][0]++
		}
		e := measure(grads...)
		signal += e.Signal / trials
		noise += e.Noise() / trials
	}
	sd := math.Sqrt(4*.25/8 + 2*6.25/56)
	is(t, "sd", math.Round(sd*1000)/1000, .590)
	if d := math.Abs(signal - 1); d > 4*sd/math.Sqrt(trials) {
		t.Errorf("mean signal %v, %v from 1", signal, d)
	}
	if math.Abs(noise-3.125) > 0.01 {
		t.Errorf("mean noise %v, want about 3.125", noise)
	}
}

// TestOrderChangesNothing is group 9: the order of micro-batches.
func TestOrderChangesNothing(t *testing.T) {
	a, b, c := []float64{3, 0}, []float64{1, 2}, []float64{2, -1}
	if x, y := measure(a, b, c), measure(c, a, b); math.Abs(x.Signal-y.Signal) > 1e-15 || x.Squared != y.Squared {
		t.Errorf("%+v and %+v", x, y)
	}
}

// TestZeroGradients is group 9: equal rewards everywhere leave rho, and nothing becomes NaN.
func TestZeroGradients(t *testing.T) {
	r := New(Defaults())
	if f := r.Step(Estimate{Groups: 8}); f != 1./Warmup || r.Ratio() != 1 {
		t.Errorf("factor %v, rho %v after a first step of zeros", f, r.Ratio())
	}
	r.Step(Estimate{8, 3, 4})
	before := r.Ratio()
	for range 20 {
		if f := r.Step(Estimate{Groups: 8}); math.Abs(r.Ratio()-before) > 1e-12 || !(f > 0) {
			t.Fatalf("rho %v, factor %v, want rho %v", r.Ratio(), f, before)
		}
	}
	kept := r.s
	for _, bad := range []Estimate{{8, math.NaN(), 1}, {8, 1, math.Inf(1)}} {
		r.Step(bad)
	}
	if r.Skipped() != 2 || r.s.Signal != kept.Signal || r.Ratio() != kept.Ratio {
		t.Errorf("estimates that are not finite: %d skipped, state %+v", r.Skipped(), r.s)
	}
}

func TestFactor(t *testing.T) {
	o := Defaults()
	o.Power = .5
	steady := Estimate{8, 1, 4} // rho .25
	lagged, now := New(o), New(Options{o.Beta, o.Floor, o.Power, 0})
	for step := 1; step <= 12; step++ {
		rho := .25
		if step == 1 {
			rho = 1 // nothing was seen
		}
		want := math.Max(.05, math.Min(1, float64(step)/10)*math.Sqrt(rho))
		is(t, fmt.Sprintf("step %d", step), lagged.Step(steady), want)
		is(t, fmt.Sprintf("step %d, lag 0", step), now.Step(steady), math.Max(.05, math.Min(1, float64(step)/10)*.5))
	}
	if f := lagged.Step(Estimate{8, 1e9, 1}); f > 1 {
		t.Errorf("factor %v", f)
	}
	if f := lagged.Step(Estimate{8, -1e12, 1}); f != 1 {
		t.Errorf("factor %v, want rho clamped to 1", f)
	}
	if f := lagged.Step(steady); math.Abs(f-math.Sqrt(.05)) > 1e-15 || lagged.AtFloor() != 1./15 {
		t.Errorf("factor %v at the floor, %v of the steps", f, lagged.AtFloor())
	}
}

// TestFewGroupsAreSmoothedMore: with 4 groups twice as many steps are averaged over.
func TestFewGroupsAreSmoothedMore(t *testing.T) {
	r := New(Defaults())
	r.Step(Estimate{4, 1, 1})
	r.Step(Estimate{4, 0, 1})
	m, p := r.Means()
	is(t, "M", m, .975*.025/(.975*.025+.025))
	is(t, "P", p, 1)
	for k, want := range map[int]string{3: "3 prompts a step, want at least 4", 0: "want at least 4"} {
		if _, err := CheckGroups(k); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d groups: error %v", k, err)
		}
	}
	for k, warn := range map[int]bool{4: true, 7: true, 8: false} {
		if w, err := CheckGroups(k); err != nil || (w != "") != warn {
			t.Errorf("%d groups: warning %q, error %v", k, w, err)
		}
	}
}

func TestRescale(t *testing.T) {
	r := New(Defaults())
	r.Step(Estimate{8, 3, 4})
	snr := r.SNR()
	r.Rescale(1e-3)
	if m, p := r.Means(); math.Abs(m-.003) > 1e-12 || math.Abs(p-.004) > 1e-12 || math.Abs(r.SNR()-snr) > 1e-9 {
		t.Errorf("M %v, P %v, SNR %v", m, p, r.SNR())
	}
	is(t, "noise scale", r.NoiseScale(8), 8./3)
	r.Rescale(math.NaN())
	r.Rescale(0)
	if m, _ := r.Means(); math.Abs(m-.003) > 1e-12 {
		t.Errorf("M %v after scales that are none", m)
	}
	r.Step(Estimate{8, -100, 1})
	if !math.IsInf(r.NoiseScale(8), 1) {
		t.Errorf("noise scale %v without a signal", r.NoiseScale(8))
	}
}

// TestResume: a rule taken up again gives the same bits.
func TestResume(t *testing.T) {
	estimates := []Estimate{{4, 3, 4}, {4, -.5, 2}, {4, math.NaN(), 1}, {4, 1, 3}, {4, .2, .3}}
	whole := New(Defaults())
	var want []float64
	for _, e := range estimates {
		want = append(want, whole.Step(e))
	}
	r := New(Defaults())
	var got []float64
	for _, e := range estimates {
		got = append(got, r.Step(e))
		data, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		r = New(Defaults())
		if err := r.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		if err := New(Defaults()).UnmarshalBinary(data[:len(data)-1]); err == nil {
			t.Error("a short state was accepted")
		}
		if err := New(Defaults()).UnmarshalBinary(append(data, 0)); err == nil {
			t.Error("a long state was accepted")
		}
	}
	if !slices.Equal(got, want) || r.s != whole.s {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestOptions(t *testing.T) {
	if err := Defaults().Validate(); err != nil {
		t.Error(err)
	}
	for want, o := range map[string]Options{
		"beta is 1":  {1, .05, 1, 1},
		"floor is 0": {.9, 0, 1, 1},
		"power is 2": {.9, .05, 2, 1},
		"lag is 2":   {.9, .05, 1, 2},
	} {
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func ExampleMeasure() {
	// Four gradients: (3,0), (1,2), (2,1), (2,-1).
	e := Measure(24, 8*8+2*2, 4)
	fmt.Printf("signal %.4f, noise %.4f, rho %.4f\n", e.Signal, e.Noise(), e.Ratio())
	// Output: signal 3.6667, noise 0.5833, rho 0.8627
}
