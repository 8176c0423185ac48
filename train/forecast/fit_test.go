package forecast

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// Losses at 1,000, 2,000 ... 20,000 updates of two runs at peak 2e-4, warm-up 500: the data published with the law.
var (
	cosineLosses = []float64{3.6696358, 3.3254106, 3.1908393, 3.1158533, 3.0604768, 3.0203840, 2.9880967, 2.9612265, 2.9395165, 2.9195616,
		2.9030452, 2.8881907, 2.8767889, 2.8654318, 2.8565135, 2.8489892, 2.8436390, 2.8398669, 2.8380618, 2.8376071}
	constantLosses = []float64{3.6714418, 3.3256260, 3.1884103, 3.1119470, 3.0583540, 3.0211415, 2.9874816, 2.9608200, 2.9406552, 2.9241402,
		2.9054413, 2.8942103, 2.8807929, 2.8702695, 2.8621750, 2.8530996, 2.8448784, 2.8383856, 2.8326995, 2.8294308}
)

const (
	published = 20_000
	warmup    = 500
	peak      = 2e-4
)

// ratesOf are the rates of updates 1 to T, by the factor after the warm-up at r in [0, 1] of the rest. The warm-up rises
// to the peak.
func ratesOf(factor func(t int) float64) []float64 {
	rates := make([]float64, published)
	for i := range rates {
		t := i + 1
		switch {
		case t <= warmup:
			rates[i] = peak * float64(t) / warmup
		default:
			rates[i] = peak * factor(t)
		}
	}
	return rates
}

func constantFactor(int) float64 { return 1 }

func cosineFactor(t int) float64 {
	return (1 + math.Cos(math.Pi*float64(t-warmup)/(published-warmup))) / 2
}

func every1000(rates, losses []float64, n int) (out []Observation) {
	areas := Areas(rates)
	for i := range n {
		out = append(out, Observation{areas[(i+1)*1000-1], losses[i]})
	}
	return out
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestAreas(t *testing.T) {
	c := Areas(ratesOf(cosineFactor))
	near(t, "S1(20k)", c[19_999].S1, 2.049900, 1e-6)
	near(t, "S2(20k)", c[19_999].S2, 0.197474, 1e-6)
	near(t, "S1(10k)", c[9_999].S1, 1.670153, 1e-6)
	near(t, "S2(10k)", c[9_999].S2, 0.0803998, 1e-6)
	last := Areas(ratesOf(constantFactor))[19_999]
	near(t, "S1 of a constant rate", last.S1, 4, 1e-9)
	near(t, "S2 of a constant rate", last.S2, 0, 0)
	if n := Warmup(ratesOf(cosineFactor)); n != warmup-1 { // the last of the warm-up has the peak itself
		t.Errorf("warm-up of %d updates, want %d", n, warmup-1)
	}
}

// TestPublishedRuns: both together, and five losses that the fit has not seen.
func TestPublishedRuns(t *testing.T) {
	constant, cosine := ratesOf(constantFactor), ratesOf(cosineFactor)
	f, err := Fit(append(every1000(constant, constantLosses, 20), every1000(cosine, cosineLosses, 20)...))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "alpha", f.Alpha, 0.5494, 5e-4)
	near(t, "L0", f.L0, 2.6276, 5e-4)
	near(t, "A", f.A, 0.4298, 5e-4)
	near(t, "C", f.C, 0.4108, 5e-4)
	near(t, "R²", f.R2, 0.99964, 5e-6)
	near(t, "largest residual", f.Largest, 0.0043, 5e-5)
	if f.N != 40 || !f.Annealed {
		t.Errorf("%+v", f)
	}
	wsd := Areas(ratesOf(func(t int) float64 { return min(1, float64(published-t)/(published/10)) }))
	near(t, "WSD", f.Loss(wsd[published-1]), 2.787, 5e-4)

	f, err = Fit(append(every1000(constant, constantLosses, 20), every1000(cosine, cosineLosses, 15)...))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "alpha", f.Alpha, 0.5497, 5e-4)
	near(t, "L0", f.L0, 2.6278, 5e-4)
	near(t, "A", f.A, 0.4295, 5e-4)
	near(t, "C", f.C, 0.4082, 1e-3)
	for i, want := range []float64{2.8506, 2.8451, 2.8410, 2.8383, 2.8367} {
		got := f.Loss(Areas(cosine)[(16+i)*1000-1])
		near(t, "held-out loss", got, want, 2e-4)
		near(t, "held-out loss against the run", got, cosineLosses[15+i], 0.00165)
	}
}

// TestFitFindsTheLaw that made the losses: exactly without noise, and near it with 2% of noise and some outliers.
func TestFitFindsTheLaw(t *testing.T) {
	for name, law := range map[string]Law{
		"usual": {L0: 2, A: 0.4, Alpha: 0.5, C: 0.4}, "steep": {L0: 0.5, A: 0.02, Alpha: 1.3, C: 2}, "no floor": {A: 3, Alpha: 0.3, C: 0.1},
		"annealing does nothing": {L0: 2, A: 0.4, Alpha: 0.5},
	} {
		for _, noise := range []float64{0, 0.02} {
			r := rand.New(rand.NewPCG(1, 7))
			var seen []Observation
			for _, factor := range []func(int) float64{constantFactor, cosineFactor} {
				for i, a := range Areas(ratesOf(factor)) {
					if i < warmup || i%25 != 0 {
						continue
					}
					loss := law.Loss(a) * math.Exp(noise*r.NormFloat64())
					if noise > 0 && r.IntN(100) == 0 {
						loss *= 3
					}
					seen = append(seen, Observation{a, loss})
				}
			}
			f, err := Fit(seen)
			if err != nil {
				t.Fatal(err)
			}
			for _, factor := range []func(int) float64{constantFactor, cosineFactor, func(t int) float64 { return min(1, float64(published-t)/(published/10)) }} {
				end := Areas(ratesOf(factor))[published-1]
				if got, want := f.Loss(end), law.Loss(end); math.Abs(got/want-1) > 1e-6+noise/4 {
					t.Errorf("%s, noise %v: %v at the end, want %v (found %+v)", name, noise, got, want, f.Law)
				}
			}
			if noise == 0 && (math.Abs(f.Alpha-law.Alpha) > 1e-4 || math.Abs(f.C-law.C) > 1e-4 || math.Abs(f.L0-law.L0) > 1e-3) {
				t.Errorf("%s: found %+v, want %+v", name, f.Law, law)
			}
			if noise > 0 && !(f.R2 < 1 && f.RMS > noise/2) {
				t.Errorf("%s: the fit of noisy losses has R² %v and residuals of %v", name, f.R2, f.RMS)
			}
		}
	}
}

// TestFitWithoutDecay: from a constant rate alone nothing follows about annealing.
func TestFitWithoutDecay(t *testing.T) {
	f, err := Fit(every1000(ratesOf(constantFactor), constantLosses, 20))
	if err != nil || f.Annealed || f.C != 0 {
		t.Errorf("%+v, error %v", f, err)
	}
	near(t, "R²", f.R2, 1, 1e-3)
	if _, err := Fit(every1000(ratesOf(constantFactor), constantLosses, 7)); err == nil || !strings.Contains(err.Error(), "found 7 losses, want at least 8") {
		t.Errorf("error %v", err)
	}
}
