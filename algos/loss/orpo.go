package loss

import G "gorgonia.org/gorgonia"

// maxMeanLogP keeps an answer's mean probability below 1, where its odds are infinite.
const maxMeanLogP = -1e-6

// ORPO is likelihood of the chosen answers with a penalty on the odds of the rejected ones. No reference.
//
//	term = nll of the chosen tokens - λ·log σ(o),   o = log odds_w - log odds_l,   log odds = L - log(1 - e^L)
//
// L is the mean log-prob of an answer's tokens. Result: [N]; under [SequenceMean] the mean over chosen tokens plus the
// mean over pairs. It couples pairs. lambda >= 0, 0.1. (TRL's likelihood takes in the prompt's tokens; this does not.)
//
// Source: Hong et al. 2024, arXiv:2403.07691.
func ORPO(lambda float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		mean := x.AtMost(x.SequenceMean(t.LogP), maxMeanLogP)
		odds := x.Sub(mean, x.Log(x.Neg(x.Expm1(mean))))
		penalty := x.LogSigmoid(x.Sub(x.Chosen(odds), x.Rejected(odds)))
		return x.Add(x.chosenNLL(t), x.SpreadPairs(x.Scale(-lambda, penalty)))
	}
}
