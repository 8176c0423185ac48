package loss

import (
	"errors"

	G "gorgonia.org/gorgonia"
)

// KTO needs labels of single answers, not pairs, and judges each against a reference point z₀.
//
//	desirable   λ_D·(1 - σ(β·(d - z₀)))
//	undesirable λ_U·(1 - σ(β·(z₀ - d))),   d = Σ_t logp_t - ref_t
//	z₀ = max(0, mean log-ratio of answers under prompts that aren't theirs), held constant
//
// Result: [N]; under [SequenceMean] the mean over answers. z₀ comes from Inputs.Mismatched and belongs to the step, so
// this couples only the tokens of a sequence. beta > 0; keep n_D·λ_D/(n_U·λ_U) between 1 and 4/3.
//
// Source: Ethayarajh et al. 2024, arXiv:2402.01306.
func KTO(beta, desirable, undesirable float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		if len(t.Given.Mismatched) == 0 {
			return x.Fail(errMissingInput)
		}
		z := 0.0
		for _, v := range t.Given.Mismatched {
			z += v / float64(len(t.Given.Mismatched))
		}
		return x.unpaired(t, beta, max(z, 0), desirable, undesirable)
	}
}

// KTOZero is [KTO] with z₀ = 0, which TRL calls apo_zero_unpaired: it needs no mismatched answers.
//
// Source: D'Oosterlinck et al. 2024, arXiv:2408.06266.
func KTOZero(beta, desirable, undesirable float64) Objective {
	return func(x *Expr, t Tokens) *G.Node { return x.unpaired(t, beta, 0, desirable, undesirable) }
}

func (x *Expr) unpaired(t Tokens, beta, z, desirable, undesirable float64) *G.Node {
	sign, weight := x.labels(t, 1, -1), x.labels(t, desirable, undesirable)
	d := x.Offset(x.PerSequence(x.Sub(t.LogP, t.Ref)), -z)
	return x.Spread(x.Mul(weight, x.Sigmoid(x.Scale(-beta, x.Mul(sign, d)))))
}

// labels is a constant of each sequence by its label, [B].
func (x *Expr) labels(t Tokens, desirable, undesirable float64) *G.Node {
	if t.Given.Desirable == nil {
		return x.Fail(errors.New("objective works on labelled answers, and no labels were given"))
	}
	v := make([]float64, len(t.Given.Desirable))
	for i, good := range t.Given.Desirable {
		v[i] = undesirable
		if good {
			v[i] = desirable
		}
	}
	return x.Vector(v)
}

// BCOShifted is a binary classifier of labelled answers, moved to where both classes balance.
//
//	term = -log σ(±(βd - δ)),   δ = (mean βd of desirable + mean βd of undesirable)/2, held constant
//
// Result: [N]; under [SequenceMean] the mean over answers. It couples the batch, through δ. Both classes must be there.
//
// Source: Jung et al. 2024, arXiv:2404.04656; the shift is this batch's, not a running mean.
func BCOShifted(beta float64) Objective {
	return func(x *Expr, t Tokens) *G.Node {
		sign := x.labels(t, 1, -1)
		d := x.Scale(beta, x.PerSequence(x.Sub(t.LogP, t.Ref)))
		if x.err != nil {
			return nil
		}
		logp, ref := x.sums(x.in.held), x.sums(t.Given.Ref)
		var sum [2]float64
		var n [2]int
		for i, good := range t.Given.Desirable {
			k := 0
			if good {
				k = 1
			}
			sum[k] += beta * (logp[i] - ref[i])
			n[k]++
		}
		if n[0] == 0 || n[1] == 0 {
			return x.Fail(errors.New("bco: one class only, want desirable and undesirable answers in every step"))
		}
		shift := (sum[0]/float64(n[0]) + sum[1]/float64(n[1])) / 2
		return x.Spread(x.Neg(x.LogSigmoid(x.Mul(sign, x.Offset(d, -shift)))))
	}
}
