package train

import (
	"math"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/algos/loss"
	"github.com/burnish-rl/burnish/policy"
)

// offPolicy is how far the policy is from the one that spoke, over the tokens of a step's updates but the first: sums over
// tokens, in order.
type offPolicy struct {
	tokens         float64
	ratio, kl      float64
	largest        float64 // ratio
	belows, aboves float64 // tokens that the objective cuts off
	cutsOff        bool    // the algorithm says which
}

func (o *offPolicy) add(p offPolicy) {
	o.tokens += p.tokens
	o.ratio += p.ratio
	o.kl += p.kl
	o.largest = max(o.largest, p.largest)
	o.belows += p.belows
	o.aboves += p.aboves
	o.cutsOff = o.cutsOff || p.cutsOff
}

// take adds what a micro-batch's forward pass and its loss say to the metrics.
func (t *Trainer) take(m microBatch, tokens *policy.Tokens, out loss.Output) {
	m.observe(tokens, out)
	if m.update == 0 {
		return
	}
	in := m.inputs(numbersOf(tokens), t.Algo.Needs())
	o := &m.off
	for i, logp := range in.LogP {
		u := logp - in.Old[i]
		o.tokens++
		o.ratio += math.Exp(u)
		o.largest = max(o.largest, math.Exp(u))
		o.kl += k3(-u)
	}
	c, ok := t.Algo.(algos.Clipper)
	if !ok {
		return
	}
	for _, side := range c.Clipped(in) {
		o.cutsOff = true
		switch side {
		case algos.Below:
			o.belows++
		case algos.Above:
			o.aboves++
		}
	}
}

// offPolicyMetrics adds them where a step has several updates. approx_kl is that of the old policy to the new.
func (t *Trainer) offPolicyMetrics(m *Metrics, b *batch) {
	if t.UpdatesPerStep() == 1 {
		return
	}
	o := b.off
	m.add("updates", float64(t.optimizer.Count()))
	m.add("ratio", o.ratio/o.tokens)
	m.add("ratio/max", o.largest)
	if o.cutsOff {
		m.add("ratio/clipped_low", o.belows/o.tokens)
		m.add("ratio/clipped_high", o.aboves/o.tokens)
	}
	m.add("approx_kl", o.kl/o.tokens)
}
