package advantage

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// golden is losses.json of package loss; losses.py beside it wrote it. Eight rewards in two groups of four.
type golden struct {
	Shape struct {
		Lengths []int `json:"lengths"`
	} `json:"shape"`
	Inputs struct {
		Rewards     []float64   `json:"rewards"`
		Old         [][]float64 `json:"old"`
		Ref         [][]float64 `json:"ref"`
		OldLogSumSq [][]float64 `json:"old_log_sumsq"`
	} `json:"inputs"`
	Advantages map[string]json.RawMessage `json:"advantages"`
}

// halves cuts eight values into the two groups.
func halves[T any](v []T) [][]T { return [][]T{v[:4], v[4:]} }

// joined is the opposite.
func joined[T any](groups [][]T) []T { return append(append([]T{}, groups[0]...), groups[1]...) }

func byGroup(f func([]float64) []float64) func(golden, []float64) []float64 {
	return func(_ golden, r []float64) []float64 { return joined([][]float64{f(r[:4]), f(r[4:])}) }
}

func byBatch(f func([][]float64) [][]float64) func(golden, []float64) []float64 {
	return func(_ golden, r []float64) []float64 { return joined(f(halves(r))) }
}

// must is for estimators that can refuse.
func must(f func([]float64) ([]float64, error)) func([]float64) []float64 {
	return func(r []float64) []float64 {
		out, err := f(r)
		if err != nil {
			panic(err)
		}
		return out
	}
}

// rows give an advantage a sample, [8]; rewards nil means the golden ones.
var rows = map[string]struct {
	f       func(g golden, r []float64) []float64
	rewards []float64
}{
	"grpo":                      {f: byGroup(GroupScaled)},
	"grpo_biased_std":           {f: byGroup(GroupScaledBiased)},
	"grpo_zero_variance_group0": {f: byGroup(GroupScaled), rewards: []float64{1, 1, 1, 1, 0.2, 1, 0.2, 0.7}},
	"dr_grpo_no_std":            {f: byGroup(GroupCentred)},
	"batch_std":                 {f: byBatch(BatchScaled)},
	"gpg":                       {f: byBatch(GPG)},
	"rloo":                      {f: byGroup(RLOO)},
	"rloo_normalized": {f: func(_ golden, r []float64) []float64 {
		return joined(StepScaled([][]float64{RLOO(r[:4]), RLOO(r[4:])}, halves(r)))
	}},
	"opo": {f: func(g golden, r []float64) []float64 {
		return joined([][]float64{OPO(r[:4], g.Shape.Lengths[:4]), OPO(r[4:], g.Shape.Lengths[4:])})
	}},
	"passk_best_minus_second": {f: byGroup(BestMinusSecond)},
	"pass_at_2_binary_10001101": {
		f:       byGroup(must(func(r []float64) ([]float64, error) { return PassAtK(r, 2) })),
		rewards: []float64{1, 0, 0, 0, 1, 1, 0, 1},
	},
	"maxrl_binary_10001101": {f: byGroup(must(MaxRL)), rewards: []float64{1, 0, 0, 0, 1, 1, 0, 1}},
	"remax_greedy_0.5_0.2": {f: func(_ golden, r []float64) []float64 {
		return joined([][]float64{ReMax(r[:4], 0.5), ReMax(r[4:], 0.2)})
	}},
	"gdpo_w1_0.5": {f: func(_ golden, r []float64) []float64 {
		second := []float64{1, 1, 0, 1, 0, 0, 1, 0} // losses.py, adv_table
		out, err := GDPO([][][]float64{{r[:4], second[:4]}, {r[4:], second[4:]}}, []float64{1, 0.5})
		if err != nil {
			panic(err)
		}
		return joined(out)
	}},
}

// tokenRows give an advantage a token, [8][T].
var tokenRows = map[string]func(g golden) [][]float64{
	"reinforce_pp_beta0.1": func(g golden) [][]float64 {
		k1 := g.cut(g.Inputs.Old)
		for i, ref := range g.cut(g.Inputs.Ref) {
			for t, q := range ref {
				k1[i][t] -= q
			}
		}
		return joined(ReinforcePP(halves(g.Inputs.Rewards), halves(k1), 0.1))
	},
	"reinforce_pp_baseline": func(g golden) [][]float64 {
		var out [][]float64
		for i, a := range joined(ReinforcePPBaseline(halves(g.Inputs.Rewards), halves(g.Shape.Lengths))) {
			out = append(out, nil)
			for range g.Shape.Lengths[i] {
				out[i] = append(out[i], a)
			}
		}
		return out
	},
	"optimal_token_baseline": func(g golden) [][]float64 {
		logp, sum := g.cut(g.Inputs.Old), g.cut(g.Inputs.OldLogSumSq)
		for _, row := range sum {
			for t, v := range row {
				row[t] = math.Exp(v)
			}
		}
		r := g.Inputs.Rewards
		return joined([][][]float64{OptimalToken(r[:4], logp[:4], sum[:4]), OptimalToken(r[4:], logp[4:], sum[4:])})
	},
	"gae_g1_l0.95_raw": func(g golden) [][]float64 {
		var out [][]float64
		for i, n := range g.Shape.Lengths {
			rewards, values := make([]float64, n), make([]float64, n)
			rewards[n-1] = g.Inputs.Rewards[i]
			for t := range values {
				values[t] = 0.1 * float64(t+1)
			}
			out = append(out, GAE(rewards, values, nil, 1, 0.95))
		}
		return out
	},
}

// cut leaves the padding out, and copies.
func (g golden) cut(rows [][]float64) [][]float64 {
	var out [][]float64
	for i, row := range rows {
		out = append(out, append([]float64{}, row[:g.Shape.Lengths[i]]...))
	}
	return out
}

// TestGolden walks all rows of the file: one that nothing computes fails.
func TestGolden(t *testing.T) {
	data, err := os.ReadFile("../loss/testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Advantages) < 18 {
		t.Errorf("%d golden rows, want at least 18", len(g.Advantages))
	}
	for name, raw := range g.Advantages {
		t.Run(name, func(t *testing.T) {
			if row, ok := rows[name]; ok {
				var want []float64
				if err := json.Unmarshal(raw, &want); err != nil {
					t.Fatal(err)
				}
				r := g.Inputs.Rewards
				if row.rewards != nil {
					r = row.rewards
				}
				near(t, row.f(g, r), want, 1e-12)
				return
			}
			f, ok := tokenRows[name]
			if !ok {
				t.Fatal("no estimator computes this row")
			}
			var want [][]float64
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			for i, got := range f(g) {
				near(t, got, want[i][:g.Shape.Lengths[i]], 1e-12)
			}
		})
	}
	for name := range rows {
		if g.Advantages[name] == nil {
			t.Errorf("%s has no golden row", name)
		}
	}
	for name := range tokenRows {
		if g.Advantages[name] == nil {
			t.Errorf("%s has no golden row", name)
		}
	}
}

func near(t *testing.T, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d advantages, want %d", len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tol) {
			t.Errorf("sample %d: %v, want %v", i, got[i], want[i])
		}
	}
}
