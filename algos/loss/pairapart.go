package loss

import G "gorgonia.org/gorgonia"

// The losses of this file look at chosen and rejected answers one by one, so they say where each should go and not only
// how far apart they should be.

// NCA raises the chosen answer in absolute terms: -log σ(βd_w) - ½·log σ(-βd_w) - ½·log σ(-βd_l).
//
// Source: Chen et al. 2024, arXiv:2402.05369.
func NCA(beta float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node {
		return x.Sub(x.noisy(x.Scale(beta, w), -1, -0.5), x.Scale(0.5, x.LogSigmoid(x.Scale(-beta, l))))
	}
}

// BCO is a binary classifier without its shift: -log σ(βd_w) - log σ(-βd_l). [BCOShifted] has it.
//
// Source: Jung et al. 2024, arXiv:2404.04656.
func BCO(beta float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node {
		return x.Neg(x.Add(x.LogSigmoid(x.Scale(beta, w)), x.LogSigmoid(x.Scale(-beta, l))))
	}
}

// APOZero raises chosen and lowers rejected answers: 1 - σ(βd_w) + σ(βd_l). Bounded; its gradient dies for large |d|.
//
// Source: D'Oosterlinck et al. 2024, arXiv:2408.06266.
func APOZero(beta float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node {
		return x.Add(x.Sigmoid(x.Scale(-beta, w)), x.Sigmoid(x.Scale(beta, l)))
	}
}

// APODown lowers both, the rejected one more: σ(βd_w) + 1 - σ(z). For chosen answers that are worse than the policy's.
//
// Source: D'Oosterlinck et al. 2024, arXiv:2408.06266.
func APODown(beta float64) PairLoss {
	return func(x *Expr, w, l *G.Node) *G.Node {
		return x.Add(x.Sigmoid(x.Scale(beta, w)), x.Sigmoid(x.Neg(x.margin(beta, w, l))))
	}
}
