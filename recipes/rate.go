package recipes

import (
	"math"

	"github.com/burnish-rl/burnish/train/schedule"
)

// LoadRate is [Load] for the sake of the learning rate: it reads and checks algo, optim, rollout and train, and no more,
// so that a recipe that still wants a model or data has a curve to show. The other fields stay empty.
func LoadRate(nameOrFile string, overrides ...string) (*Recipe, error) {
	name, data, err := read(nameOrFile)
	if err != nil {
		return nil, err
	}
	return parse(name, data, overrides, func(d *decoder) *Recipe {
		r := &Recipe{}
		var file fileKeys
		d.mapping(d.root, "", &file)
		r.Algo = d.algo(file.Algo)
		d.rateSections(r, file)
		d.checkOptim(r)
		d.checkTrain(r.Train)
		return r
	})
}

// Rates is the learning rate of each of so many steps, as far as it is known before the run: base × schedule × reduction. A
// rule that observes (see [schedule.Info]) sees tokensAStep and no cosine.
func (r *Recipe) Rates(steps int, tokensAStep int64) ([]float64, error) {
	rule, err := r.Schedule.Options.Open()
	if err != nil {
		return nil, err
	}
	base := r.Optim.LR
	if r.Optim.LRReduction != 0 {
		base *= r.Optim.LRReduction
	}
	rates := make([]float64, steps)
	for i := range rates {
		rates[i] = base * rule.Rate(schedule.Seen{Step: i, Steps: steps, Tokens: int64(i) * tokensAStep, Cosine: math.NaN()})
	}
	return rates, nil
}
