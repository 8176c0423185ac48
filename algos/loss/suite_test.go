package loss

import (
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
)

// klTrap is k1 in the loss, which no name gives: its golden row shows what it would be.
func klTrap(beta float64) Objective {
	return func(x *Expr, t Tokens) *G.Node { return x.Scale(beta, x.Sub(t.LogP, t.Ref)) }
}

func each(t *testing.T, f func(t *testing.T, c objectiveCase, in Inputs)) {
	g := readGolden(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { f(t, c, g.of(t, c)) })
	}
}

func eval(t testing.TB, obj Objective, in Inputs) Output {
	t.Helper()
	out, err := Eval(obj, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestGradientEqualsFiniteDifferences holds constant what the objective holds constant.
func TestGradientEqualsFiniteDifferences(t *testing.T) {
	const h = 1e-6
	each(t, func(t *testing.T, c objectiveCase, in Inputs) {
		got := eval(t, c.obj, in)
		in.held = slices.Clone(in.LogP)
		var want []float64
		for i, v := range in.LogP {
			in.LogP[i] = v + h
			up := eval(t, c.obj, in).Loss
			in.LogP[i] = v - h
			down := eval(t, c.obj, in).Loss
			in.LogP[i] = v
			want = append(want, (up-down)/(2*h))
		}
		near(t, got.DLogP, want, 1e-8*max(1, math.Abs(got.Loss)))
	})
}

// units are the parts of the batch that the objective doesn't tie together: lists of sequences.
func (c objectiveCase) units(in Inputs) [][]int {
	size := map[Coupling]int{ByToken: 1, BySequence: 1, ByPair: 2, ByGroup: 4, ByBatch: len(in.Lengths)}[c.couples]
	var out [][]int
	for i := 0; i < len(in.Lengths); i += size {
		var unit []int
		for k := range size {
			unit = append(unit, i+k)
		}
		out = append(out, unit)
	}
	return out
}

// sequences are the inputs of some sequences, in a given order, and where each of their tokens was.
func (in Inputs) sequences(of []int) (Inputs, []int) {
	first := make([]int, len(in.Lengths)+1)
	for i, n := range in.Lengths {
		first[i+1] = first[i] + n
	}
	var at []int
	out := in
	out.Lengths, out.Desirable, out.Pairs = nil, nil, nil
	place := map[int]int{}
	for k, i := range of {
		place[i] = k
		out.Lengths = append(out.Lengths, in.Lengths[i])
		out.Desirable = append(out.Desirable, in.Desirable[i])
		for t := first[i]; t < first[i+1]; t++ {
			at = append(at, t)
		}
	}
	for _, p := range in.Pairs {
		w, chosen := place[p[0]]
		l, rejected := place[p[1]]
		if chosen && rejected {
			out.Pairs = append(out.Pairs, [2]int{w, l})
		}
	}
	return out.tokens(at), at
}

// tokens picks tokens from every vector of tokens.
func (in Inputs) tokens(at []int) Inputs {
	for _, v := range []*[]float64{&in.LogP, &in.Old, &in.Ref, &in.Adv, &in.Weights, &in.Factor, &in.Entropy, &in.SumP2} {
		if *v == nil {
			continue
		}
		picked := make([]float64, len(at))
		for i, k := range at {
			picked[i] = (*v)[k]
		}
		*v = picked
	}
	return in
}

// TestNoWeightNoGradient: a unit without weight has no gradient, and the others keep theirs.
func TestNoWeightNoGradient(t *testing.T) {
	each(t, func(t *testing.T, c objectiveCase, in Inputs) {
		if c.couples == ByBatch {
			clear(in.Weights)
			for i, d := range eval(t, c.obj, in).DLogP {
				if d != 0 {
					t.Errorf("token %d has gradient %v, and no token has a weight", i, d)
				}
			}
			return
		}
		before := eval(t, c.obj, in).DLogP
		_, gone := in.sequences(c.units(in)[1])
		if c.couples == ByToken {
			gone = []int{3, 17}
		}
		in.Weights = slices.Clone(in.Weights)
		for _, i := range gone {
			in.Weights[i] = 0
		}
		for i, d := range eval(t, c.obj, in).DLogP {
			want := before[i]
			if slices.Contains(gone, i) {
				want = 0
			}
			if d != want {
				t.Errorf("token %d: gradient %v, want %v", i, d, want)
			}
		}
	})
}

// TestOrderAndSplit: a unit's terms and gradients have the same bits wherever it stands and whoever stands beside it.
func TestOrderAndSplit(t *testing.T) {
	each(t, func(t *testing.T, c objectiveCase, in Inputs) {
		whole := eval(t, c.obj, in)
		units := c.units(in)
		slices.Reverse(units)
		turned, at := in.sequences(slices.Concat(units...))
		got := eval(t, c.obj, turned)
		for i, k := range at {
			if got.Term[i] != whole.Term[k] || got.DLogP[i] != whole.DLogP[k] {
				t.Fatalf("token %d differs when the order is turned round", k)
			}
		}
		for cut := 1; cut < len(units); cut++ {
			sum := 0.0
			for _, part := range [][][]int{units[:cut], units[cut:]} {
				some, at := in.sequences(slices.Concat(part...))
				got := eval(t, c.obj, some)
				for i, k := range at {
					if got.DLogP[i] != whole.DLogP[k] {
						t.Fatalf("token %d differs when the batch is cut after %d", k, cut)
					}
				}
				sum += got.Loss
			}
			near(t, []float64{sum}, []float64{whole.Loss}, 1e-14*max(1, math.Abs(whole.Loss)))
		}
	})
}

// TestTokensApart: an objective that couples nothing knows no sequences, and any token may stand anywhere.
func TestTokensApart(t *testing.T) {
	each(t, func(t *testing.T, c objectiveCase, in Inputs) {
		in.Lengths, in.Pairs, in.Desirable, in.Grid = nil, nil, nil, 0
		if c.couples != ByToken {
			if _, err := Eval(c.obj, in); err == nil {
				t.Error("an objective of whole sequences works without them")
			}
			return
		}
		whole := eval(t, c.obj, in)
		n := len(in.LogP)
		for _, cut := range []int{1, 7, n - 1} {
			a := eval(t, c.obj, in.tokens(span(0, cut)))
			b := eval(t, c.obj, in.tokens(span(cut, n)))
			near(t, append(a.DLogP, b.DLogP...), whole.DLogP, 0)
		}
	})
}

func span(from, to int) []int {
	var out []int
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// TestEmptySequence: a sequence without trained tokens changes nothing, where no pair needs its tokens.
func TestEmptySequence(t *testing.T) {
	each(t, func(t *testing.T, c objectiveCase, in Inputs) {
		if c.couples >= ByPair {
			return // checkSequences refuses it in a pair; grids and shifts count answers
		}
		want := eval(t, c.obj, in)
		in.Lengths = slices.Insert(slices.Clone(in.Lengths), 2, 0)
		in.Desirable = slices.Insert(slices.Clone(in.Desirable), 2, true)
		in.Pairs, in.Grid = nil, 0
		got := eval(t, c.obj, in)
		near(t, got.DLogP, want.DLogP, 0)
		near(t, got.Term, want.Term, 0)
	})
}
