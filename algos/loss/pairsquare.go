package loss

import G "gorgonia.org/gorgonia"

// Hinge is SLiC's: max(0, 1 - z), z = β·(d_w - d_l).
//
// Source: Zhao et al. 2023, arXiv:2305.10425; as a DPO loss Liu et al. 2023, arXiv:2309.06657.
func Hinge(beta float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node {
		return x.Relu(x.Neg(x.Offset(x.margin(beta, w, l), -1)))
	}
}

// IPO pulls the margin to 1/(2β) instead of to infinity: (d_w - d_l - 1/(2β))². The paper has it on sums; TRL divides
// each log-ratio by its length ([DPO.PerToken]).
//
// Source: Azar et al. 2023, arXiv:2310.12036, eq. 17.
func IPO(beta float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node { return x.Square(x.Offset(x.Sub(w, l), -1/(2*beta))) }
}

// SPPO pulls both log-ratios to their places: (d_w - 1/(2β))² + (d_l + 1/(2β))², with hard labels.
//
// Source: Wu et al. 2024, arXiv:2405.00675, with win rates 1 and 0.
func SPPO(beta float64) PairLoss {
	at := 1 / (2 * beta)
	return func(x *Expr, w, l *G.Node) *G.Node {
		return x.Add(x.Square(x.Offset(w, -at)), x.Square(x.Offset(l, at)))
	}
}
