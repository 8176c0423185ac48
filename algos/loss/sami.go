package loss

import (
	"errors"
	"math"

	G "gorgonia.org/gorgonia"
)

// SAMI raises the mutual information between principles and the answers written under them, without labels or a
// reference. For one prompt M_ij is the log-prob of answer j under principle i; answer i was written under principle i.
//
//	term = -½·[log softmax_j(M_ii) + log softmax_i(M_ii)],   averaged over i
//
// M is the sum of an answer's token log-probs, or with perToken their mean, which is what the authors' code trains.
// Result: [N]; under [SequenceMean] the mean over prompts. It couples a prompt's Inputs.Grid² sequences.
//
// Source: Fränken et al. 2024, arXiv:2404.14313.
func SAMI(perToken bool) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		c := t.Given.Grid
		if c < 2 {
			return x.Fail(errors.New("objective works on grids of at least 2 principles, and none were given"))
		}
		m := x.PerSequence(t.LogP)
		if perToken {
			m = x.PerLength(m)
		}
		if x.err != nil {
			return nil
		}
		b := len(t.Given.Lengths)
		row, column, diagonal := make([]int, b), make([]int, b), make([]int, 0, b/c)
		for s := range b {
			block, i, j := s/(c*c), s/c%c, s%c
			row[s], column[s] = block*c+i, block*c+j
			if i == j {
				diagonal = append(diagonal, s)
			}
		}
		own := x.take(diagonal, b, m)
		// By row and by column in turn: the log of the sum, moved by the largest entry, which is constant.
		values := x.sequenceValues(x.in.held, perToken)
		rows := x.logSumExp(m, values, row, b/c)
		columns := x.logSumExp(m, values, column, b/c)
		term := x.Sub(x.Scale(0.5, x.Add(rows, columns)), own) // [blocks·C]
		of := make([]int, b)
		for s := range b {
			of[s] = s / (c * c)
		}
		block := make([]int, b/c)
		for i := range block {
			block[i] = i / c
		}
		return x.Spread(x.take(of, b/(c*c), x.Scale(1/float64(c), x.collect(block, b/(c*c), term))))
	}
}

// sequenceValues are sums or means of constant values over each sequence, [B].
func (x *Expr) sequenceValues(values []float64, mean bool) []float64 {
	out := x.sums(values)
	if mean {
		for i := range out {
			out[i] /= atLeastOne(x.in.Lengths[i])
		}
	}
	return out
}

// logSumExp is log Σ e^a over the elements with the same index, [n]; values are a's numbers.
func (x *Expr) logSumExp(a *G.Node, values []float64, at []int, n int) *G.Node {
	largest := make([]float64, n)
	for i := range largest {
		largest[i] = math.Inf(-1)
	}
	for i, k := range at {
		largest[k] = max(largest[k], values[i])
	}
	top := x.Vector(largest)
	sum := x.collect(at, n, x.Exp(x.Sub(a, x.take(at, n, top))))
	return x.Add(top, x.Log(sum))
}
