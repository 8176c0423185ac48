package train

import (
	"math"

	"github.com/burnish-rl/burnish/train/schedule"
)

// factor is a named part of the learning rate, logged as lr/NAME.
type factor struct {
	name  string
	value float64
}

// setRate is the one place that makes the learning rate: base × schedule × every other factor. A rule that measures
// something of the step adds its factor here.
func (t *Trainer) setRate(b *batch) {
	b.factors = []factor{{"base", t.Rate}, {"schedule", t.Schedule.Rate(t.seen(b))}}
	if t.RateReduction != 0 {
		b.factors = append(b.factors, factor{"reduction", t.RateReduction})
	}
	if v, ok := t.pace(b); ok {
		b.factors = append(b.factors, factor{"snr", v})
	}
	b.rate = 1
	for _, f := range b.factors {
		b.rate *= f.value
	}
}

// seen is what a schedule may look at.
func (t *Trainer) seen(b *batch) schedule.Seen {
	s := schedule.Seen{Step: b.step - 1, Steps: t.Steps, Tokens: t.trainedTokens, GradNorm: b.gradNorm, GradL1: b.gradL1, Cosine: math.NaN()}
	if t.updates != nil {
		s.Cosine = t.updates.cosine
	}
	return s
}

// restart forgets what the optimizer remembers, where the schedule begins anew.
func (t *Trainer) restart(b *batch) {
	r, ok := t.Schedule.(schedule.Restarter)
	if !ok || !r.Restarts(b.step-1, t.Steps) {
		return
	}
	for _, slot := range t.optimizer.State() {
		t.Model.Backend().Zero(slot.Buf)
	}
	t.optimizer.SetCount(0)
}
