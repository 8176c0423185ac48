package advantage

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

// golden is losses.json of package loss; losses.py beside it wrote it. Eight rewards in two groups of four.
type golden struct {
	Inputs struct {
		Rewards []float64 `json:"rewards"`
	} `json:"inputs"`
	Advantages map[string]json.RawMessage `json:"advantages"`
}

// laterRows counts the golden estimators that do not exist yet.
const laterRows = 15

func TestGolden(t *testing.T) {
	data, err := os.ReadFile("../loss/testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	flat := []float64{1, 1, 1, 1, 0.2, 1, 0.2, 0.7} // losses.py, adv_table
	rows := []struct {
		name    string
		rewards []float64
		f       func([]float64) []float64
	}{
		{"grpo", g.Inputs.Rewards, GroupScaled},
		{"grpo_zero_variance_group0", flat, GroupScaled},
		{"dr_grpo_no_std", g.Inputs.Rewards, GroupCentred},
	}
	if got := len(g.Advantages) - len(rows); got != laterRows {
		t.Errorf("%d golden rows are not computed, want %d: add the row, or correct the count", got, laterRows)
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var want []float64
			if err := json.Unmarshal(g.Advantages[row.name], &want); err != nil {
				t.Fatal(err)
			}
			near(t, append(row.f(row.rewards[:4]), row.f(row.rewards[4:])...), want, 1e-14)
		})
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

// TestEqualRewardsAreExactlyZero: three times 0.1 has a mean that is not 0.1.
func TestEqualRewardsAreExactlyZero(t *testing.T) {
	for _, f := range []func([]float64) []float64{GroupScaled, GroupCentred} {
		near(t, f([]float64{0.1, 0.1, 0.1}), []float64{0, 0, 0}, 0)
		near(t, f([]float64{0.1, math.NaN(), 0.1, 0.1}), []float64{0, 0, 0, 0}, 0)
	}
}

func TestMissingRewards(t *testing.T) {
	nan := math.NaN()
	for _, f := range []func([]float64) []float64{GroupScaled, GroupCentred} {
		near(t, f([]float64{nan, 3, nan}), []float64{0, 0, 0}, 0) // one scored sample compares with nobody
		near(t, f([]float64{nan, nan}), []float64{0, 0}, 0)
		near(t, f(nil), nil, 0)
		whole, holed := f([]float64{1, 0, 0.5}), f([]float64{1, nan, 0, 0.5})
		near(t, holed, []float64{whole[0], 0, whole[1], whole[2]}, 0)
	}
}

func ExampleGroupCentred() {
	fmt.Println(GroupCentred([]float64{1, 0, math.NaN(), 0.5}))
	// Output: [0.5 -0.5 0 0]
}
