package loss

import (
	"cmp"
	"slices"

	G "gorgonia.org/gorgonia"
)

// AOT aligns distributions, not pairs: the margins of the policy and those of the reference are each sorted over the
// batch, and the loss compares equal ranks.
//
//	term = -log σ(β·(sort(S_w - S_l) - sort(Q_w - Q_l))),   S, Q the summed log-probs of policy and reference
//
// Result: [N]; under [SequenceMean] the mean over ranks. It couples the batch: below 8 pairs it means little.
//
// Source: Melnyk et al. 2024, arXiv:2406.05882 (paired).
func AOT(beta float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		s, q := x.PerSequence(t.LogP), x.PerSequence(t.Ref)
		policy := x.sorted(x.Sub(x.Chosen(s), x.Rejected(s)), func() []float64 { return x.margins(x.in.held) })
		reference := x.sorted(x.Sub(x.Chosen(q), x.Rejected(q)), func() []float64 { return x.margins(x.in.Ref) })
		return x.SpreadPairs(Logistic(beta)(x, policy, reference))
	}
}

// AOTUnpaired sorts the log-ratios of chosen and of rejected answers apart: -log σ(β·(sort d_w - sort d_l)).
//
// Source: Melnyk et al. 2024, arXiv:2406.05882 (unpaired).
func AOTUnpaired(beta float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		d := x.PerSequence(x.Sub(t.LogP, t.Ref))
		side := func(k int) func() []float64 {
			return func() []float64 { return x.ratioSums(k) }
		}
		w := x.sorted(x.Chosen(d), side(0))
		l := x.sorted(x.Rejected(d), side(1))
		return x.SpreadPairs(Logistic(beta)(x, w, l))
	}
}

// sorted brings a into the ascending order of its values, which is constant: the gradient goes where each value came
// from. Equal values keep their order.
func (x *Expr) sorted(a *G.Node, values func() []float64) *G.Node {
	if x.err != nil || a == nil {
		return x.unary(nil, a)
	}
	v := values()
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(v[i], v[j]) })
	return x.take(order, len(v), a)
}

// margins are the sums of values over chosen answers less those over rejected ones, [P].
func (x *Expr) margins(values []float64) []float64 {
	sums := x.sums(values)
	out := make([]float64, len(x.in.Pairs))
	for i, p := range x.in.Pairs {
		out[i] = sums[p[0]] - sums[p[1]]
	}
	return out
}

// ratioSums are the summed log-ratios of one side of the pairs, [P].
func (x *Expr) ratioSums(side int) []float64 {
	s, q := x.sums(x.in.held), x.sums(x.in.Ref)
	out := make([]float64, len(x.in.Pairs))
	for i, p := range x.in.Pairs {
		out[i] = s[p[side]] - q[p[side]]
	}
	return out
}

// sums adds up constant values of each sequence, [B].
func (x *Expr) sums(values []float64) []float64 {
	out := make([]float64, len(x.in.Lengths))
	for i, k := range x.segments().of {
		out[k] += values[i]
	}
	return out
}
