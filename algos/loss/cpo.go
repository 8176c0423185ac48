package loss

import G "gorgonia.org/gorgonia"

// CPO is a pair loss without a reference, with the likelihood of chosen answers beside it.
//
//	term = loss(S_w, S_l) + α·nll of the chosen tokens,   S_i = Σ_t logp_t, or its mean with perToken
//
// Result: [N]; under [SequenceMean] the mean over pairs plus α times the mean over chosen tokens. It couples pairs.
// alpha >= 0, 1 as a rule. Losses: [Logistic], [Conservative], [Hinge], and [IPO] with perToken.
//
// Source: Xu et al. 2024, arXiv:2401.08417.
func CPO(pair PairLoss, perToken bool, alpha float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		s := x.PerSequence(t.LogP)
		if perToken {
			s = x.PerLength(s)
		}
		term := x.SpreadPairs(pair(x, x.Chosen(s), x.Rejected(s)))
		if alpha == 0 {
			return term
		}
		return x.Add(term, x.Scale(alpha, x.chosenNLL(t)))
	}
}
