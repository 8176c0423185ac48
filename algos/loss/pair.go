package loss

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// PairLoss is the loss of a preference pair from two log-ratios of policy to reference, d_w of the chosen answer and
// d_l of the rejected: [P] and [P] to [P].
type PairLoss func(x *Expr, w, l *G.Node) *G.Node

// DPO is direct preference optimisation and its family: a loss of each pair's log-ratios, and what is done to them
// before and to the loss after. The zero value of every field but Loss is the plain form.
//
//	d_i = Σ_t logp_t - ref_t over sequence i;   term_t = loss(d_w, d_l) on all tokens of both answers
//
// Result: [N]; under [SequenceMean] the mean over pairs. It couples pairs; with [AOT] losses the batch.
//
// Source: Rafailov et al. 2023, arXiv:2305.18290, eq. 7.
type DPO struct {
	Loss       PairLoss
	Divergence func(x *Expr, d *G.Node) *G.Node // f-DPO: replaces a log-ratio by f'(e^d); nil is reverse KL, d itself
	PerToken   bool                             // divide each log-ratio by its answer's length
	TailWeight *float64                         // LD-DPO: weight of tokens beyond the shorter answer's length; nil is 1
	LengthCost float64                          // R-DPO: added to d_w - d_l per token that the chosen answer is longer, by way of d_w
	Likelihood float64                          // RPO: weight of the chosen answers' mean negative log-likelihood per token
	Weighted   bool                             // WPO: each pair weighs as likely as the policy would write it
}

// Objective builds the loss.
func (o DPO) Objective() Objective {
	return func(x *Expr, t Tokens) *G.Node {
		d := x.Sub(t.LogP, t.Ref)
		if o.TailWeight != nil {
			d = x.Mul(d, x.tail(*o.TailWeight))
		}
		d = x.PerSequence(d)
		if o.Divergence != nil {
			d = o.Divergence(x, d)
		}
		if o.PerToken {
			d = x.PerLength(d)
		}
		w, l := x.Chosen(d), x.Rejected(d)
		if o.LengthCost != 0 {
			n := x.lengths()
			w = x.Add(w, x.Scale(o.LengthCost, x.Sub(x.Chosen(n), x.Rejected(n))))
		}
		pair := o.Loss(x, w, l)
		if o.Weighted {
			pair = x.Mul(pair, x.onPolicy(t))
		}
		term := x.SpreadPairs(pair)
		if o.Likelihood != 0 {
			term = x.Add(term, x.Scale(o.Likelihood, x.chosenNLL(t)))
		}
		return term
	}
}

// lengths are the trained tokens of each sequence, [B].
func (x *Expr) lengths() *G.Node {
	s := x.segments()
	if x.err != nil {
		return nil
	}
	v := make([]float64, len(s.lengths))
	for i, n := range s.lengths {
		v[i] = float64(n)
	}
	return x.Vector(v)
}

// tail weighs the tokens of an answer that lie beyond the length of its partner, [N].
//
// Source: LD-DPO, Liu et al. 2024, arXiv:2409.06411.
func (x *Expr) tail(weight float64) *G.Node {
	s := x.segments()
	if x.err != nil {
		return nil
	}
	limit := append([]int(nil), s.lengths...)
	for _, p := range x.in.Pairs {
		limit[p[0]] = min(s.lengths[p[0]], s.lengths[p[1]])
		limit[p[1]] = limit[p[0]]
	}
	var v []float64
	for i, n := range s.lengths {
		for t := range n {
			if t < limit[i] {
				v = append(v, 1)
			} else {
				v = append(v, weight)
			}
		}
	}
	return x.Vector(v)
}

// onPolicy is the constant weight of each pair, e^{a_w + a_l} with a the mean over tokens of logp - log Σ_v p_v², [P].
//
// Source: WPO, Zhou et al. 2024, arXiv:2406.11827.
func (x *Expr) onPolicy(t Tokens) *G.Node {
	logs := make([]float64, len(t.Given.SumP2))
	for i, s := range t.Given.SumP2 {
		logs[i] = math.Log(s)
	}
	a := x.SequenceMean(x.Sub(t.Held, x.Vector(logs)))
	return x.Exp(x.Add(x.Chosen(a), x.Rejected(a)))
}

// chosenNLL is the negative log-likelihood of chosen answers, divided by each token's own weight, so that it adds up to
// the mean over all chosen tokens of the step whatever the weights are. [N].
func (x *Expr) chosenNLL(t Tokens) *G.Node {
	s := x.segments()
	if x.err != nil {
		return nil
	}
	if t.Given.Chosen < 1 {
		return x.Fail(errMissingInput)
	}
	chosen := make([]bool, len(s.lengths))
	for _, p := range x.in.Pairs {
		chosen[p[0]] = true
	}
	scale := make([]float64, x.n)
	for i, k := range s.of {
		if w := t.Given.Weights[i]; chosen[k] && w != 0 {
			scale[i] = -1 / (w * float64(t.Given.Chosen))
		}
	}
	return x.Mul(x.Vector(scale), t.LogP)
}
