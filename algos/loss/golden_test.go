package loss

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

// golden is testdata/losses.json, written by losses.py beside it: one batch, every variant's loss and gradient in
// float64 by complex-step differentiation. Padding slots hold junk.
type golden struct {
	Shape struct {
		Batch   int   `json:"batch"`
		Lengths []int `json:"lengths"`
		Tokens  int   `json:"trained_tokens"`
		MaxLen  int   `json:"max_len"`
	} `json:"shape"`
	Inputs struct {
		Mask [][]float64 `json:"mask"`
		LogP [][]float64 `json:"logp"`
		Old  [][]float64 `json:"old"`
		Ref  [][]float64 `json:"ref"`
	} `json:"inputs"`
	Advantages struct {
		GRPO []float64 `json:"grpo"`
	} `json:"advantages"`
	Losses map[string]struct {
		Loss float64     `json:"loss"`
		Grad [][]float64 `json:"grad"`
	} `json:"losses"`
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// trained flattens the slots whose mask is 1, sequences in order.
func (g golden) trained(values [][]float64) []float64 {
	var out []float64
	for i, row := range values {
		for t, v := range row {
			if g.Inputs.Mask[i][t] == 1 {
				out = append(out, v)
			}
		}
	}
	return out
}

// inputs is the whole batch under a reduction, without the inputs that an objective must not need.
func (g golden) inputs(reduce Reduction) Inputs {
	adv := make([]float64, 0, g.Shape.Tokens)
	for i, n := range g.Shape.Lengths {
		for range n {
			adv = append(adv, g.Advantages.GRPO[i])
		}
	}
	return Inputs{
		LogP: g.trained(g.Inputs.LogP), Old: g.trained(g.Inputs.Old), Ref: g.trained(g.Inputs.Ref), Adv: adv,
		Weights: reduce(g.Shape.Lengths, Totals{Sequences: g.Shape.Batch, Tokens: g.Shape.Tokens, MaxTokens: g.Shape.MaxLen}),
	}
}

// rows are the golden rows that this package can compute.
var rows = []struct {
	name   string
	obj    Objective
	reduce Reduction
}{
	{"sft_token_mean", NLL(), TokenMean},
	{"sft_seq_mean", NLL(), SequenceMean},
	{"sft_seq_sum", NLL(), SequenceSum},
	{"grpo", Clip(0.2, 0.2), SequenceMean},
	{"bnpo_or_dapo_norm", Clip(0.2, 0.2), TokenMean},
	{"dapo", Clip(0.2, 0.28), TokenMean},
	{"dr_grpo_loss", Clip(0.2, 0.2), Constant},
	{"seq_sum_mean", Clip(0.2, 0.2), SequenceSum},
	{"grpo_kl_k3", WithKL(Clip(0.2, 0.2), 0.05), SequenceMean},
}

// laterRows counts the golden rows whose objective does not exist yet: preference pairs, sequence ratios, other
// surrogates. It must fall whenever a row is added above.
const laterRows = 68

func TestGolden(t *testing.T) {
	g := readGolden(t)
	if got := len(g.Losses) - len(rows); got != laterRows {
		t.Errorf("%d golden rows are not computed, want %d: add the row, or correct the count", got, laterRows)
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			want, ok := g.Losses[row.name]
			if !ok {
				t.Fatal("no such golden row")
			}
			got, err := Eval(row.obj, g.inputs(row.reduce))
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got.Loss-want.Loss) > 1e-12 {
				t.Errorf("loss %v, want %v", got.Loss, want.Loss)
			}
			near(t, got.DLogP, g.trained(want.Grad), 1e-12)
		})
	}
}

func near(t *testing.T, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tol) {
			t.Errorf("token %d: %v, want %v", i, got[i], want[i])
		}
	}
}

func ExampleEval() {
	// Two tokens, the first with the advantage, both at ratio 1.
	out, err := Eval(Clip(0.2, 0.2), Inputs{
		LogP: []float64{-1, -2}, Old: []float64{-1, -2}, Adv: []float64{0.5, -1},
		Weights: TokenMean([]int{2}, Totals{Sequences: 1, Tokens: 2}),
	})
	fmt.Println(out.Loss, out.DLogP, err)
	// Output: 0.25 [-0.25 0.5] <nil>
}
