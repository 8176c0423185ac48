package bench

import (
	"math"
	"testing"
)

// bandit is a softmax bandit of three arms, p = (.5, .3, .2), r = (1, 0, .5), as a pool of ten samples: s_i = onehot - p, so
// the scores add up to 0 and the pool is the policy exactly.
func bandit() *Pool {
	p, r := []float64{.5, .3, .2}, []float64{1, 0, .5}
	pool := &Pool{Weights: map[string][]float64{}}
	var scores [][]float64
	for arm, n := range []int{5, 3, 2} {
		for range n {
			s := []float64{-p[0], -p[1], -p[2]}
			s[arm]++
			scores = append(scores, s)
			pool.Rewards = append(pool.Rewards, r[arm])
			pool.Lengths = append(pool.Lengths, 1)
		}
	}
	for _, a := range scores {
		var row []float64
		for _, b := range scores {
			row = append(row, a[0]*b[0]+a[1]*b[1]+a[2]*b[2])
		}
		pool.Gram = append(pool.Gram, row)
	}
	pool.Weights["ghost"] = diagonal(pool.Gram)
	return pool
}

// TestMeasureFindsTheBandit: shares along g and variances are those that enumerating all groups of the bandit gives, by hand
// in the table of OBLR-PO's tests (E[ĝ]·g/|g|² and tr Var ĝ), within what so many groups scatter by.
func TestMeasureFindsTheBandit(t *testing.T) {
	es := Estimators([]string{"ghost"})
	for size, rows := range map[int]map[string][2]float64{
		2: {"none": {1, .083100}, "mean": {.5, .029300}, "rloo": {1, .117200}, "opo": {.5, .029300}, "ghost": {1, .117200}, BestFixed: {1, .016210}, OwnReward: {0, 0}},
		4: {"none": {1, .041550}, "mean": {.75, .015094}, "rloo": {1, .026833}, "opo": {.75, .015094}, "ghost": {1, .025073}, BestFixed: {1, .008105}, OwnReward: {0, 0}},
	} {
		const groups = 200_000
		got := bandit().Measure(es, size, groups, 7)
		if len(rows) != len(es) {
			t.Fatalf("%d rows, %d estimators", len(rows), len(es))
		}
		for e, x := range es {
			want, m := rows[x.Name], got[e]
			if math.Abs(m.Signal-.0728) > 1e-12 {
				t.Errorf("|g|² %v, want .0728", m.Signal)
			}
			// the mean of so many groups scatters by √(V/groups/|g|²) along g
			if along := m.Along / m.Signal; math.Abs(along-want[0]) > 5*math.Sqrt(want[1]/groups/.0728)+1e-12 {
				t.Errorf("G %d, %s: %v of g, want %v", size, x.Name, along, want[0])
			}
			if math.Abs(m.Variance-want[1]) > .02*want[1]+1e-12 {
				t.Errorf("G %d, %s: variance %v, want %v", size, x.Name, m.Variance, want[1])
			}
			biased := want[0] < 1
			if bias := math.Sqrt(max(0, m.Bias2/m.Signal)); biased && bias < .2 || !biased && bias > .02 {
				t.Errorf("G %d, %s: bias %v, biased %v", size, x.Name, bias, biased)
			}
		}
	}
}

// TestCentringTakesTheMeanScoreOut: a constant added to every score changes nothing that is measured, which it would
// without centring.
func TestCentringTakesTheMeanScoreOut(t *testing.T) {
	plain, moved := bandit(), bandit()
	n := len(moved.Gram)
	for i := range n { // s_i + c with c·s_i = u_i, |c|² = 2: any u will do that a vector outside the scores' plane could give
		for j := range n {
			moved.Gram[i][j] += 2 // c stands at right angles to all scores
		}
	}
	es := Estimators(nil)[:4]
	a, b := plain.Measure(es, 4, 500, 1), moved.Measure(es, 4, 500, 1)
	for e := range es {
		if math.Abs(a[e].Variance-b[e].Variance) > 1e-12 || math.Abs(a[e].Along-b[e].Along) > 1e-12 {
			t.Errorf("%s: %+v and %+v", es[e].Name, a[e], b[e])
		}
	}
}

func TestGramIsTheRowsProducts(t *testing.T) {
	rows := make([][]float32, 5)
	for i := range rows {
		rows[i] = make([]float32, 2*gramBlock+77)
		for j := range rows[i] {
			rows[i][j] = float32(math.Sin(float64(i*31 + j)))
		}
	}
	k := gram(rows)
	for i := range rows {
		for j := range rows {
			want := 0.0
			for x := range rows[i] {
				want += float64(rows[i][x]) * float64(rows[j][x])
			}
			if math.Abs(k[i][j]-want) > 1e-9*float64(len(rows[i])) {
				t.Errorf("K[%d][%d] = %v, want %v", i, j, k[i][j], want)
			}
		}
	}
}
