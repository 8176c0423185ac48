package loss

import G "gorgonia.org/gorgonia"

// SimPO needs no reference: the reward is the mean log-prob of an answer's tokens.
//
//	term = -log σ(β·(L_w - L_l) - γ),   L_i = Σ_t logp_t/T_i
//
// Result: [N]; under [SequenceMean] the mean over pairs. It couples pairs. beta > 0: 2 to 10 in the paper; gamma >= 0:
// γ/β 0.3 to 0.5 there. TRL's defaults are 0.1 and 0.5.
//
// Source: Meng et al. 2024, arXiv:2405.14734.
func SimPO(beta, gamma float64) Objective {
	return func(x *Expr, t Tokens) *G.Node { return x.simpo(x.SequenceMean(t.LogP), beta, gamma) }
}

// AlphaPO is [SimPO] with the reward (1 - e^{-αL})/α in place of L. alpha is not 0, at which it tends to L; 0.25.
//
// Source: Gupta et al. 2025, arXiv:2501.03884.
func AlphaPO(beta, gamma, alpha float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		reward := x.Scale(-1/alpha, x.Expm1(x.Scale(-alpha, x.SequenceMean(t.LogP))))
		return x.simpo(reward, beta, gamma)
	}
}

func (x *Expr) simpo(reward *G.Node, beta, gamma float64) *G.Node {
	z := x.margin(beta, x.Chosen(reward), x.Rejected(reward))
	return x.SpreadPairs(x.Neg(x.LogSigmoid(x.Offset(z, -gamma))))
}
