package forecast

import (
	"fmt"
	"math"
	"slices"
)

// Observation is a loss that was seen after an update, or near it.
type Observation struct {
	Area
	Loss float64 // > 0
}

// Fitted is a law and how well it fits.
type Fitted struct {
	Law
	N       int     // observations
	R2      float64 // share of the losses' variance that the law explains
	RMS     float64 // root of the mean square of the residuals of log loss
	Largest float64 // of those residuals
	// Annealed is false when no rate had fallen yet: C is then unknown and counts as 0, and decays can't be told apart.
	Annealed bool
}

const (
	leastObservations = 8
	huberDelta        = 1e-3 // of a residual of log loss
	alphaLow          = 0.01
	alphaHigh         = 3.0
	alphaGrid         = 40
	goldenSteps       = 35
	reweightings      = 40
)

// Fit finds the law whose residuals of log loss have the least Huber loss (δ = 1e-3, the source's). For a given α the
// other three are linear, so they come from reweighted least squares inside a search over α alone.
func Fit(seen []Observation) (Fitted, error) {
	if len(seen) < leastObservations {
		return Fitted{}, fmt.Errorf("found %d losses, want at least %d", len(seen), leastObservations)
	}
	s := newSearch(seen)
	best, least := 0.0, math.Inf(1)
	ratio := math.Pow(alphaHigh/alphaLow, 1./alphaGrid)
	for i := range alphaGrid + 1 {
		alpha := alphaLow * math.Pow(ratio, float64(i))
		if _, cost := s.at(alpha); cost < least {
			best, least = alpha, cost
		}
	}
	alpha := golden(best/ratio, best*ratio, func(alpha float64) float64 { _, cost := s.at(alpha); return cost })
	law, _ := s.at(alpha)
	return s.judge(law), nil
}

// search holds the observations in units in which their largest areas are 1.
type search struct {
	seen   []Observation
	s1, s2 float64 // the units
}

func newSearch(seen []Observation) *search {
	s := &search{seen: seen}
	for _, o := range seen {
		s.s1, s.s2 = max(s.s1, o.S1), max(s.s2, math.Abs(o.S2))
	}
	return s
}

// at fits L0, A and C for one α, and gives the law with its Huber loss.
func (s *search) at(alpha float64) (Law, float64) {
	n := len(s.seen)
	rows := make([][3]float64, n)
	weights := make([]float64, n)
	for i, o := range s.seen {
		rows[i] = [3]float64{1, math.Pow(o.S1/s.s1, -alpha), 0}
		if s.s2 > 0 {
			rows[i][2] = -o.S2 / s.s2
		}
		weights[i] = 1 / (o.Loss * o.Loss) // relative residuals, which are those of log loss while they are small
	}
	var x [3]float64
	last := math.Inf(1)
	for range reweightings {
		x = leastSquares(rows, s.seen, weights)
		cost := 0.0
		for i, o := range s.seen {
			p := x[0] + x[1]*rows[i][1] + x[2]*rows[i][2]
			r := logResidual(p, o.Loss)
			cost += huber(r)
			weights[i] = min(1, huberDelta/math.Abs(r)) / (o.Loss * o.Loss)
		}
		if math.Abs(last-cost) <= 1e-9*cost {
			break
		}
		last = cost
	}
	law := Law{L0: x[0], A: x[1] * math.Pow(s.s1, alpha), Alpha: alpha}
	if s.s2 > 0 {
		law.C = x[2] / s.s2
	}
	cost := 0.0
	for _, o := range s.seen {
		cost += huber(logResidual(law.Loss(o.Area), o.Loss))
	}
	return law, cost
}

func logResidual(predicted, loss float64) float64 {
	if predicted <= 0 {
		return 1e3 // no law of a loss: costs more than any that is
	}
	return math.Log(predicted / loss)
}

func huber(r float64) float64 {
	if a := math.Abs(r); a > huberDelta {
		return huberDelta * (a - huberDelta/2)
	}
	return r * r / 2
}

// judge says how well a law fits.
func (s *search) judge(l Law) Fitted {
	f := Fitted{Law: l, N: len(s.seen), Annealed: s.s2 > 0}
	mean := 0.0
	for _, o := range s.seen {
		mean += o.Loss / float64(f.N)
	}
	missed, all := 0.0, 0.0
	for _, o := range s.seen {
		p := l.Loss(o.Area)
		r := logResidual(p, o.Loss)
		missed += (p - o.Loss) * (p - o.Loss)
		all += (o.Loss - mean) * (o.Loss - mean)
		f.RMS += r * r / float64(f.N)
		f.Largest = max(f.Largest, math.Abs(r))
	}
	f.R2, f.RMS = 1-missed/all, math.Sqrt(f.RMS)
	return f
}

// leastSquares minimises Σ w·(rows·x - loss)² over x >= 0: the best of the solutions with some of x at 0.
func leastSquares(rows [][3]float64, seen []Observation, w []float64) (best [3]float64) {
	var m [3][3]float64
	var v [3]float64
	for i, r := range rows {
		for a := range 3 {
			for b := range 3 {
				m[a][b] += w[i] * r[a] * r[b]
			}
			v[a] += w[i] * r[a] * seen[i].Loss
		}
	}
	least := 0.0 // of x'Mx - 2x'v, which is 0 at x = 0
	for free := 1; free < 8; free++ {
		x, ok := solve(m, v, free)
		if !ok || slices.Min(x[:]) < 0 {
			continue
		}
		cost := 0.0
		for a := range 3 {
			cost -= x[a] * v[a] // x'Mx = x'v where x solves its part
		}
		if cost < least {
			best, least = x, cost
		}
	}
	return best
}

// solve is Gauss's elimination over the unknowns whose bits are set; the others are 0.
func solve(m [3][3]float64, v [3]float64, free int) (x [3]float64, ok bool) {
	for a := range 3 {
		if free>>a&1 == 0 {
			m[a], v[a] = [3]float64{}, 0
			for b := range 3 {
				m[b][a] = 0
			}
			m[a][a] = 1
		}
	}
	for c := range 3 { // symmetric and positive definite where the columns differ: the diagonal is a pivot
		scale := m[c][c]
		if !(scale > 1e-13*max(m[0][0], m[1][1], m[2][2])) {
			return x, false
		}
		for r := c + 1; r < 3; r++ {
			f := m[r][c] / scale
			for k := c; k < 3; k++ {
				m[r][k] -= f * m[c][k]
			}
			v[r] -= f * v[c]
		}
	}
	for c := 2; c >= 0; c-- {
		x[c] = v[c]
		for k := c + 1; k < 3; k++ {
			x[c] -= m[c][k] * x[k]
		}
		x[c] /= m[c][c]
	}
	return x, true
}

// golden is the place of a minimum between two places.
func golden(low, high float64, f func(float64) float64) float64 {
	phi := (math.Sqrt(5) - 1) / 2
	a, b := high-phi*(high-low), low+phi*(high-low)
	fa, fb := f(a), f(b)
	for range goldenSteps {
		if fa < fb {
			high, b, fb = b, a, fa
			a = high - phi*(high-low)
			fa = f(a)
		} else {
			low, a, fa = a, b, fb
			b = low + phi*(high-low)
			fb = f(b)
		}
	}
	return (low + high) / 2
}
