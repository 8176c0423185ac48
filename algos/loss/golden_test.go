package loss

import (
	"encoding/json"
	"math"
	"os"
	"slices"
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
	Pairs  [][2]int `json:"pairs"`
	Inputs struct {
		Mask      [][]float64 `json:"mask"`
		LogP      [][]float64 `json:"logp"`
		Old       [][]float64 `json:"old"`
		Ref       [][]float64 `json:"ref"`
		Wide      [][]float64 `json:"wide"`
		Sampler   [][]float64 `json:"sampler"`
		Entropy   [][]float64 `json:"entropy"`
		LogSumSq  [][]float64 `json:"log_sumsq"`
		Desirable []float64   `json:"desirable"`
		KLLogP    []float64   `json:"kl_logp"`
		KLRef     []float64   `json:"kl_ref"`
	} `json:"inputs"`
	Advantages struct {
		GRPO []float64 `json:"grpo"`
		RLOO []float64 `json:"rloo"`
	} `json:"advantages"`
	Losses map[string]struct {
		Hyper struct {
			Adv string `json:"adv"`
		} `json:"hyper"`
		Loss float64     `json:"loss"`
		Grad [][]float64 `json:"grad"`
	} `json:"losses"`
}

func readGolden(t testing.TB) golden {
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

// inputs is the whole batch under a reduction.
func (g golden) inputs(reduce Reduction) Inputs {
	step := Totals{Sequences: g.Shape.Batch, Tokens: g.Shape.Tokens, MaxTokens: g.Shape.MaxLen}
	in := Inputs{
		LogP: g.trained(g.Inputs.LogP), Old: g.trained(g.Inputs.Old), Ref: g.trained(g.Inputs.Ref), Adv: g.perToken(g.Advantages.GRPO),
		Entropy: g.trained(g.Inputs.Entropy), SumP2: g.trained(g.Inputs.LogSumSq),
		Lengths: g.Shape.Lengths, Pairs: g.Pairs, Weights: reduce(g.Shape.Lengths, step),
	}
	for i, v := range in.SumP2 {
		in.SumP2[i] = math.Exp(v)
	}
	for i, v := range g.Inputs.KLLogP {
		in.Mismatched = append(in.Mismatched, v-g.Inputs.KLRef[i])
		in.Desirable = append(in.Desirable, g.Inputs.Desirable[i] == 1)
	}
	for _, p := range g.Pairs {
		in.Chosen += g.Shape.Lengths[p[0]]
	}
	return in
}

// perToken gives each token its sequence's value.
func (g golden) perToken(values []float64) []float64 {
	var out []float64
	for i, n := range g.Shape.Lengths {
		for range n {
			out = append(out, values[i])
		}
	}
	return out
}

// of is the batch as a case wants it.
func (g golden) of(t testing.TB, c objectiveCase) Inputs {
	in := g.inputs(c.reduce)
	if g.Losses[c.name].Hyper.Adv == "rloo" {
		in.Adv = g.perToken(g.Advantages.RLOO)
	}
	switch c.couples {
	case ByGroup:
		in.Grid, in.Pairs = 2, nil
	case ByToken, BySequence:
		in.Pairs = nil
	}
	if c.wide {
		in.Ref = g.trained(g.Inputs.Wide)
	}
	if c.factor != nil {
		f, err := c.factor(g, in)
		if err != nil {
			t.Fatal(err)
		}
		in.Factor = f
	}
	return in
}

// TestGolden walks the whole file: a row without a case fails, and so does a case without a row.
func TestGolden(t *testing.T) {
	g := readGolden(t)
	if len(g.Losses) < 77 {
		t.Errorf("%d golden rows, want at least the 77 of the first file", len(g.Losses))
	}
	for name := range g.Losses {
		if !slices.ContainsFunc(cases, func(c objectiveCase) bool { return c.name == name }) {
			t.Errorf("golden row %s: no objective computes it", name)
		}
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want, ok := g.Losses[c.name]
			if !ok {
				t.Fatal("no such golden row")
			}
			got := eval(t, c.obj, g.of(t, c))
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
