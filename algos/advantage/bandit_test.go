package advantage

import (
	"fmt"
	"math"
	"testing"
)

// bandit is a softmax over arms with tabular logits: the score of arm a is onehot(a) - p.
type bandit struct{ p, r []float64 }

// three is test 1 of the digest.
var three = bandit{p: []float64{.5, .3, .2}, r: []float64{1, 0, .5}}

func (b bandit) score(a int) []float64 {
	s := make([]float64, len(b.p))
	for i, p := range b.p {
		s[i] = -p
	}
	s[a]++
	return s
}

// weight is |s_a|².
func (b bandit) weight(a int) float64 { return norm2(b.score(a)) }

// gradient is g = E[r·s].
func (b bandit) gradient() []float64 {
	g := make([]float64, len(b.p))
	for a, p := range b.p {
		addTo(g, p*b.r[a], b.score(a))
	}
	return g
}

// population is a group in which every arm stands as often as its probability says, a hundred samples in all.
func (b bandit) population() (rewards, weights []float64) {
	for a, p := range b.p {
		for range int(math.Round(100 * p)) {
			rewards = append(rewards, b.r[a])
			weights = append(weights, b.weight(a))
		}
	}
	return rewards, weights
}

// variance is V(b) = E[w·(r-b)²] - |g|².
func (b bandit) variance(baseline float64) float64 {
	v := -norm2(b.gradient())
	for a, p := range b.p {
		v += p * b.weight(a) * (b.r[a] - baseline) * (b.r[a] - baseline)
	}
	return v
}

func norm2(x []float64) float64 { return dot(x, x) }

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func addTo(y []float64, a float64, x []float64) {
	for i := range y {
		y[i] += a * x[i]
	}
}

// is compares with a number of the digest, to its digits.
func is(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 6e-7) {
		t.Errorf("%s is %.7f, want %.6f", what, got, want)
	}
}

// moments enumerates all groups of n draws: E[ĝ]·g/|g|², tr Var ĝ, and |E ĝ - g|.
func (b bandit) moments(n int, advantages func(r, w []float64) []float64) (along, variance, bias float64) {
	arms := len(b.p)
	total := 1
	for range n {
		total *= arms
	}
	mean := make([]float64, arms)
	second := 0.0
	r, w := make([]float64, n), make([]float64, n)
	for code := range total {
		prob, ghat := 1.0, make([]float64, arms)
		drawn := make([]int, n)
		for i, c := 0, code; i < n; i, c = i+1, c/arms {
			a := c % arms
			drawn[i], r[i], w[i] = a, b.r[a], b.weight(a)
			prob *= b.p[a]
		}
		for i, x := range advantages(r, w) {
			addTo(ghat, x/float64(n), b.score(drawn[i]))
		}
		addTo(mean, prob, ghat)
		second += prob * norm2(ghat)
	}
	g := b.gradient()
	along = dot(mean, g) / norm2(g)
	variance = second - norm2(mean)
	addTo(mean, -1, g)
	return along, variance, math.Sqrt(norm2(mean))
}

// TestBandit is group 1 of the closed answers.
func TestBandit(t *testing.T) {
	for a, want := range []float64{.38, .78, .98} {
		is(t, "w", three.weight(a), want)
	}
	r, w := three.population()
	best, mean := WeightedMean(r, w), WeightedMean(r, nil)
	is(t, "E w", 1-norm2(three.p), .62)
	is(t, "E w of the population", WeightedMean(w, nil), .62)
	for i, want := range []float64{.2, -.18, -.02} {
		is(t, "g", three.gradient()[i], want)
	}
	is(t, "|g|²", norm2(three.gradient()), .0728)
	is(t, "mean r", mean, .6)
	is(t, "b*", best, .464516)
	is(t, "V(0)", three.variance(0), .1662)
	is(t, "V(.6)", three.variance(mean), .0438)
	is(t, "V(b*)", three.variance(best), .032419)
	is(t, "V(.6) - V(b*)", three.variance(mean)-three.variance(best), .011381)
	is(t, "(.135484)²·.62", (mean-best)*(mean-best)*.62, .011381)

	// Spread of the population is (V + |g|²)/n: what a run shows of a group.
	n := float64(len(r))
	g2 := norm2(three.gradient())
	s := Compare(r, w, subtract(r, best))
	is(t, "spread under none", n*s.None-g2, .1662)
	is(t, "spread under the mean", n*s.Mean-g2, .0438)
	is(t, "spread under ours", n*s.Ours-g2, .032419)
	if s.RLOO <= s.Mean {
		t.Errorf("spread under RLOO %v, want above the mean's %v: it doesn't shrink a sample", s.RLOO, s.Mean)
	}
	is(t, "corr(w, r)", Correlation(w, r), correlation(three))
}

// correlation is Pearson's of w and r under p, from the definition.
func correlation(b bandit) float64 {
	var mw, mr, ww, rr, wr float64
	for a, p := range b.p {
		mw += p * b.weight(a)
		mr += p * b.r[a]
	}
	for a, p := range b.p {
		dw, dr := b.weight(a)-mw, b.r[a]-mr
		ww, rr, wr = ww+p*dw*dw, rr+p*dr*dr, wr+p*dw*dr
	}
	return wr / math.Sqrt(ww*rr)
}

func subtract(r []float64, b float64) []float64 {
	out := make([]float64, len(r))
	for i := range r {
		out[i] = r[i] - b
	}
	return out
}

// TestTwoArms is group 2: with one arm of reward 1, b* is the other arm's probability, and nothing is left of the variance.
func TestTwoArms(t *testing.T) {
	for _, p := range []float64{.9, .5, .2} {
		b := bandit{p: []float64{p, 1 - p}, r: []float64{1, 0}}
		r, w := b.population()
		is(t, "b*", WeightedMean(r, w), 1-p)
		is(t, "V(b*)", b.variance(WeightedMean(r, w)), 0)
		is(t, "|g|²", norm2(b.gradient()), 2*p*p*(1-p)*(1-p))
		is(t, "V(mean)", b.variance(WeightedMean(r, nil)), 2*p*(1-p)*(2*p-1)*(2*p-1))
	}
	b := bandit{p: []float64{.9, .1}, r: []float64{1, 0}}
	is(t, "V(mean) at .9", b.variance(.9), .1152)
	is(t, "|g|² at .9", norm2(b.gradient()), .0162)
}

// TestLeaveOneOut is the first half of group 3.
func TestLeaveOneOut(t *testing.T) {
	w, r := []float64{.38, .78, .98, .38}, []float64{1, 0, .5, 1}
	self := WeightedMean(r, w)
	is(t, "b self", self, .496032)
	got := WeightedLeaveOneOut(r, w, Prior{})
	total := w[0] + w[1] + w[2] + w[3]
	for i, want := range []float64{.593458, -.718391, .006494, .593458} {
		is(t, "advantage", got[i], want)
		is(t, "(r-b)/(1-w/W)", (r[i]-self)/(1-w[i]/total), want)
		is(t, "b", r[i]-got[i], []float64{.406542, .718391, .493506, .406542}[i])
		is(t, "RLOO b", r[i]-WeightedLeaveOneOut(r, nil, Prior{})[i], []float64{.5, .833333, .666667, .5}[i])
		is(t, "self-inclusive", WeightedCentred(r, w)[i], r[i]-self)
	}
}

// TestEnumerated is the table of group 3: every group of 2, 4 and 6 draws of the bandit.
func TestEnumerated(t *testing.T) {
	pool, weights := three.population()
	best := WeightedMean(pool, weights)
	shrunk := func(kappa float64) func(r, w []float64) []float64 {
		return func(r, w []float64) []float64 { return WeightedLeaveOneOut(r, w, Prior{kappa, .5}) }
	}
	for _, row := range []struct {
		name     string
		f        func(r, w []float64) []float64
		along    []float64 // at G = 2, 4, 6
		variance []float64
		unbiased bool
	}{
		{"no baseline", func(r, _ []float64) []float64 { return r }, []float64{1, 1, 1}, []float64{.083100, .041550, .027700}, true},
		{"mean, self-inclusive", func(r, _ []float64) []float64 { return GroupCentred(r) }, []float64{.5, .75, .833333}, []float64{.029300, .015094, .009481}, false},
		{"RLOO", func(r, _ []float64) []float64 { return WeightedLeaveOneOut(r, nil, Prior{}) }, []float64{1, 1, 1}, []float64{.117200, .026833, .013653}, true},
		{"weighted, self-inclusive", WeightedCentred, []float64{.498458, .761250, .844714}, []float64{.023654, .012507, .007506}, false},
		{"weighted LOO", func(r, w []float64) []float64 { return WeightedLeaveOneOut(r, w, Prior{}) }, []float64{1, 1, 1}, []float64{.117200, .025073, .011599}, true},
		{"shrunk LOO, kappa 1", shrunk(1), []float64{1, 1}, []float64{.028557, .014351}, true},
		{"shrunk LOO, kappa 4", shrunk(4), []float64{1, 1}, []float64{.017995, .009598}, true},
		{"true b*", func(r, _ []float64) []float64 { return subtract(r, best) }, []float64{1, 1, 1}, []float64{.016210, .008105, .005403}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			for i := range row.along {
				n := 2 * (i + 1)
				along, variance, bias := three.moments(n, row.f)
				is(t, fmt.Sprintf("G %d: E ĝ along g", n), along, row.along[i])
				is(t, fmt.Sprintf("G %d: variance", n), variance, row.variance[i])
				if row.unbiased != (bias < 1e-12) {
					t.Errorf("G %d: bias %g, unbiased %v", n, bias, row.unbiased)
				}
			}
		})
	}
}

// TestShrunkAndForcedToZeroIsBiased: setting the advantages of equal rewards to 0 is harmless without a prior, where they
// are 0 anyhow, and a bias with one.
func TestShrunkAndForcedToZeroIsBiased(t *testing.T) {
	forced := func(p Prior) func(r, w []float64) []float64 {
		return func(r, w []float64) []float64 {
			if _, equal := scoredOf(r); equal {
				return make([]float64, len(r))
			}
			return WeightedLeaveOneOut(r, w, p)
		}
	}
	if _, _, bias := three.moments(4, forced(Prior{})); bias > 1e-12 {
		t.Errorf("without a prior: bias %g", bias)
	}
	if _, _, bias := three.moments(4, forced(Prior{1, .5})); bias < 1e-3 {
		t.Errorf("with a prior: bias %g, want a real one", bias)
	}
}

// TestProxyTrap is group 4: two tokens from one softmax, R = r[y1]·r[y2]. Weights that drop the terms between tokens give a
// baseline worse than the plain mean.
func TestProxyTrap(t *testing.T) {
	type pair struct {
		prob, reward, exact, diagonal float64
		first, second                 float64 // |s_1|², |s_2|²
		score                         []float64
		own                           [2]float64 // s_t·S
	}
	var all []pair
	for a := range three.p {
		for b := range three.p {
			s := three.score(a)
			addTo(s, 1, three.score(b))
			all = append(all, pair{
				prob: three.p[a] * three.p[b], reward: three.r[a] * three.r[b], exact: norm2(s), diagonal: three.weight(a) + three.weight(b),
				first: three.weight(a), second: three.weight(b), score: s, own: [2]float64{dot(three.score(a), s), dot(three.score(b), s)},
			})
		}
	}
	mean := func(f func(p pair) float64) float64 {
		sum := 0.0
		for _, p := range all {
			sum += p.prob * f(p)
		}
		return sum
	}
	g := make([]float64, len(three.p))
	for _, p := range all {
		addTo(g, p.prob*p.reward, p.score)
	}
	is(t, "J", mean(func(p pair) float64 { return p.reward }), .36)
	is(t, "|g|²", norm2(g), .104832)
	is(t, "E|S|²", mean(func(p pair) float64 { return p.exact }), 1.24)
	is(t, "E[W]", mean(func(p pair) float64 { return p.diagonal }), 1.24)
	is(t, "E[R|S|²]", mean(func(p pair) float64 { return p.reward * p.exact }), .4912)
	is(t, "E[RW]", mean(func(p pair) float64 { return p.reward * p.diagonal }), .3456)

	// The same through the estimators, on the population: each pair as often as its probability says.
	var r, exact, diagonal []float64
	var returns, tokens [][]float64
	for _, p := range all {
		for range int(math.Round(100 * p.prob)) {
			r, exact, diagonal = append(r, p.reward), append(exact, p.exact), append(diagonal, p.diagonal)
			returns, tokens = append(returns, []float64{p.reward, p.reward}), append(tokens, []float64{p.first, p.second})
		}
	}
	variance := func(b float64) float64 {
		return float64(len(r))*Spread(r, exact, subtract(r, b)) - norm2(g)
	}
	is(t, "b*", WeightedMean(r, exact), .396129)
	is(t, "V(b*)", variance(WeightedMean(r, exact)), .126389)
	is(t, "V(mean)", variance(WeightedMean(r, nil)), .128008)
	is(t, "V(0)", variance(0), .320968)
	is(t, "energy's b", WeightedMean(r, diagonal), .278710)
	is(t, "V(energy's b)", variance(WeightedMean(r, diagonal)), .143486)
	for _, o := range []TokenOptions{{}, {Cumulative: true}} {
		got := PerToken(returns, tokens, o)
		for pos := range 2 {
			is(t, fmt.Sprintf("position %d, %+v", pos, o), returns[0][pos]-got[0][pos], .278710)
		}
	}
	for pos := range 2 {
		best := mean(func(p pair) float64 { return p.reward * p.own[pos] }) / mean(func(p pair) float64 { return []float64{p.first, p.second}[pos] })
		is(t, "optimum of a position", best, .396129)
	}
}

// TestSeparateLogits is the end of group 4: with logits of its own for each position, s_1·s_2 = 0, and the sequence's norm
// is the sum of its tokens' energies, sample by sample.
func TestSeparateLogits(t *testing.T) {
	sumP2 := norm2(three.p)
	for a := range three.p {
		for b := range three.p {
			whole := append(three.score(a), three.score(b)...)
			if got := Energy(three.p[a], sumP2) + Energy(three.p[b], sumP2); math.Abs(got-norm2(whole)) > 1e-15 {
				t.Errorf("arms %d, %d: energies %v, norm %v", a, b, got, norm2(whole))
			}
		}
	}
}

// TestEnergy is the first half of group 5.
func TestEnergy(t *testing.T) {
	z := []float64{2, 1, 0, -1}
	sum := 0.0
	for _, x := range z {
		sum += math.Exp(x)
	}
	var p []float64
	for _, x := range z {
		p = append(p, math.Exp(x)/sum)
	}
	b := bandit{p: p}
	mean := 0.0
	for y, want := range []float64{.191532, 1.005595, 1.305072, 1.415244} {
		is(t, "p", p[y], []float64{.643914, .236883, .087144, .032059}[y])
		e := Energy(p[y], norm2(p))
		is(t, "e", e, want)
		is(t, "|onehot - p|²", b.weight(y), e)
		mean += p[y] * e
	}
	is(t, "Σ p²", norm2(p), .479361)
	is(t, "Σ p·e", mean, .520639)
	if e := Energy(1, 1-1e-9); e != 0 {
		t.Errorf("energy of a certain token is %g, want 0", e)
	}
}

// TestHead is the second half of group 5: the diagonal part of the output matrix's gradient, and all of it.
func TestHead(t *testing.T) {
	rows := []bandit{{p: []float64{.5, .3, .2}}, {p: []float64{.1, .6, .3}}}
	d := [][]float64{rows[0].score(0), rows[1].score(1)}
	is(t, "e_1", Energy(.5, norm2(rows[0].p)), .38)
	is(t, "e_2", Energy(.6, norm2(rows[1].p)), .26)
	for _, c := range []struct {
		h           [][]float64
		head, exact float64
	}{
		{[][]float64{{1, 2}, {2, 1}}, 3.2, 2.32},
		{[][]float64{{1, 2}, {2, -1}}, 3.2, 3.2},
	} {
		head := norm2(d[0])*norm2(c.h[0]) + norm2(d[1])*norm2(c.h[1])
		is(t, "head", head, c.head)
		is(t, "head_exact", head+2*dot(d[0], d[1])*dot(c.h[0], c.h[1]), c.exact)
		frobenius := 0.0
		for v := range 3 {
			for k := range 2 {
				x := d[0][v]*c.h[0][k] + d[1][v]*c.h[1][k]
				frobenius += x * x
			}
		}
		is(t, "|Σ d·hᵀ|²", frobenius, c.exact)
	}
}
