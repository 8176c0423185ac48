package forecast

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/burnish-rl/burnish/train/run"
)

// Run is the rate and the loss of every step that a run has made.
type Run struct {
	Dir    string
	Rates  []float64
	Losses []float64 // of the step's batch, before its update; NaN where there was none
}

// leastLosses is how many losses after the warm-up a run must have: batch losses are noisy.
const leastLosses = 30

// Read takes a run's rates and losses from its metrics.jsonl.
func Read(dir string) (Run, error) {
	r := Run{Dir: dir}
	rows, err := run.ReadMetrics(dir, "lr", "loss")
	if err != nil {
		return r, err
	}
	for i, row := range rows {
		if math.IsNaN(row[0]) {
			return r, fmt.Errorf("%s: step %d has no learning rate", filepath.Join(dir, run.MetricsFile), i+1)
		}
		r.Rates = append(r.Rates, row[0])
		r.Losses = append(r.Losses, row[1])
	}
	if n := len(r.observations()); n < leastLosses {
		return r, fmt.Errorf("%s: found %d losses after the warm-up, want at least %d", dir, n, leastLosses)
	}
	return r, nil
}

// observations are the losses after the warm-up. A step's loss is that of the weights before its update, so it stands
// with the area of the update before it.
func (r Run) observations() (out []Observation) {
	areas := Areas(r.Rates)
	for i := max(Warmup(r.Rates), 1); i < len(areas); i++ {
		if loss := r.Losses[i]; loss > 0 && !math.IsInf(loss, 0) && areas[i-1].S1 > 0 {
			out = append(out, Observation{areas[i-1], loss})
		}
	}
	return out
}

// Peak is the largest rate of the run.
func (r Run) Peak() float64 {
	peak := 0.0
	for _, rate := range r.Rates {
		peak = max(peak, rate)
	}
	return peak
}

// Quality is a law that was fitted to runs, with a test of it.
type Quality struct {
	Fitted
	// HeldOut is the mean of |log(predicted/seen)| over the last quarter of each run, by a law fitted to the other three
	// quarters; NaN when those are too few. A single loss of a batch can't be foreseen better than by its own noise.
	HeldOut float64
}

// FitRuns fits one law to runs of one model, data set and batch.
func FitRuns(runs ...Run) (Quality, error) {
	var all, early, late []Observation
	for _, r := range runs {
		o := r.observations()
		cut := len(o) * 3 / 4
		all, early, late = append(all, o...), append(early, o[:cut]...), append(late, o[cut:]...)
	}
	f, err := Fit(all)
	q := Quality{Fitted: f, HeldOut: math.NaN()}
	if err != nil {
		return q, err
	}
	if before, err := Fit(early); err == nil {
		q.HeldOut = 0
		for _, o := range late {
			q.HeldOut += math.Abs(logResidual(before.Loss(o.Area), o.Loss)) / float64(len(late))
		}
	}
	return q, nil
}

// Decay is a way to go on from a rate.
type Decay struct {
	Name   string
	Factor func(r float64) float64 // of the rate that the way begins with, at r in [0, 1) of what remains
}

// Decays are the ways that a forecast compares.
func Decays() []Decay {
	last := func(share float64, f func(r float64) float64) func(float64) float64 { // the fall f over the last part
		return func(r float64) float64 { return f(max(0, (r-(1-share))/share)) }
	}
	linear := func(r float64) float64 { return 1 - r }
	return []Decay{
		{"constant", func(float64) float64 { return 1 }},
		{"linear to 0", linear},
		{"cosine to 10%", func(r float64) float64 { return 0.1 + 0.45*(1+math.Cos(math.Pi*r)) }},
		{"constant, linear to 0 over the last 10%", last(0.1, linear)},
		{"constant, 1-sqrt over the last 10%", last(0.1, func(r float64) float64 { return 1 - math.Sqrt(r) })},
		{"constant, linear to 0 over the last 30%", last(0.3, linear)},
	}
}

// GoOn goes on from a run's first updates with a decay, to so many updates in all. It begins with the run's next rate; from
// an update in the warm-up on, the warm-up is finished first.
func (r Run) GoOn(from, steps int, d Decay) []float64 {
	from = max(from, Warmup(r.Rates))
	out := append([]float64(nil), r.Rates[:from]...)
	start := r.Rates[min(from, len(r.Rates)-1)]
	for i := from; i < steps; i++ {
		out = append(out, start*d.Factor(float64(i-from)/float64(steps-from)))
	}
	return out
}

// End is the loss that a law predicts after the last of some updates.
func (l Law) End(rates []float64) float64 {
	a := Areas(rates)
	return l.Loss(a[len(a)-1])
}
