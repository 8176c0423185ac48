package algos

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/burnish-rl/burnish/algos/advantage"
	"github.com/burnish-rl/burnish/algos/snr"
)

// oblrRun is what an OBLR-PO run remembers, and what it shows of its last step.
type oblrRun struct {
	OBLRPO
	prior advantage.Running
	taken string    // what baseline auto took: a candidate, "" while it still probes
	rate  *snr.Rule // nil before the first step
	adam  bool      // the last step was measured in Adam's metric

	measures []Measure // of the advantages
	last     snr.Estimate
	factor   float64
	groups   int
	notes    []string
}

// oblrCandidates are what baseline auto chooses from, in this order where two are equal: the plain mean of the others,
// then weights from the cheapest to the exact.
var oblrCandidates = []string{"rloo", "len", "energy", "head", "head_exact", ExactNorm}

// probing says that baseline auto has not chosen yet.
func (a *oblrRun) probing() bool { return a.Baseline == "auto" && a.taken == "" }

// kinds are the row norms that this step needs.
func (a *oblrRun) kinds() []string {
	if a.probing() {
		return oblrCandidates[1:]
	}
	if kind := a.weighing(); kind != "" {
		return []string{kind}
	}
	return nil
}

// weighing is the kind of weights in use, "" without weights. While it probes, baseline auto is RLOO: a baseline that is
// chosen by the samples it is used on would be biased.
func (a *oblrRun) weighing() string {
	switch {
	case a.Baseline == "weighted":
		return a.Weights
	case a.Baseline != "auto" || a.taken == "rloo":
		return ""
	}
	return a.taken
}

// measure keeps what the step's samples say of the baselines; under baseline auto it may choose one for the steps to come.
func (a *oblrRun) measure(groups []Group, kind string, prior advantage.Prior, ours [][]float64) {
	a.measures, a.notes = nil, nil
	if why := a.bias(); why != "" {
		a.show("biased", 1)
	}
	if a.probing() {
		a.probe(groups)
		kind = ExactNorm
	}
	if kind == "" {
		return
	}
	var none, mean, rloo, own, corr []float64
	for i, g := range groups {
		w := g.Norms[kind]
		s := advantage.Compare(g.Rewards, w, ours[i])
		none, mean, rloo, own = append(none, s.None), append(mean, s.Mean), append(rloo, s.RLOO), append(own, s.Ours)
		corr = append(corr, advantage.Correlation(w, g.Rewards))
	}
	a.show("variance/ours", meanKnown(own))
	a.show("variance/mean", meanKnown(mean))
	a.show("variance/rloo", meanKnown(rloo))
	a.show("variance/none", meanKnown(none))
	a.show("corr_weight_reward", meanKnown(corr))
	a.show("baseline/kappa", prior.Kappa)
	a.show("baseline/b0", prior.Baseline)
}

// probe measures each candidate's spread on the same samples with exact weights, and takes the smallest. A batch in which
// no group has two different rewards says nothing: the next one is probed.
func (a *oblrRun) probe(groups []Group) {
	best, least := "", math.Inf(1)
	note := "baseline auto: variance on the probe batch:"
	for _, c := range oblrCandidates {
		var spreads []float64
		for _, g := range groups {
			x := advantage.WeightedLeaveOneOut(g.Rewards, g.Norms[c], advantage.Prior{}) // rloo has no norms: equal weights
			spreads = append(spreads, advantage.Spread(g.Rewards, g.Norms[ExactNorm], x))
		}
		v := meanKnown(spreads)
		a.show("probe/"+c, v)
		note += fmt.Sprintf(" %s %.4g", c, v)
		if v < least {
			best, least = c, v
		}
	}
	if best == "" || least == 0 {
		return
	}
	a.taken = best
	a.notes = append(a.notes, note+"; took "+best)
}

// observe takes the step into what the next one is shrunk towards, with the weights that the next one will use.
func (a *oblrRun) observe(groups []Group) {
	kind := a.weighing()
	if kind == "" {
		return
	}
	var rewards, weights [][]float64
	for _, g := range groups {
		rewards = append(rewards, g.Rewards)
		weights = append(weights, g.Norms[kind])
	}
	a.prior.Observe(rewards, weights)
}

// Pace is the factor on the learning rate.
func (a *oblrRun) Pace(n GradNorms) float64 {
	r := a.rule()
	if n.Adam && !a.adam {
		r.Rescale(n.Sum / n.Plain)
	}
	a.adam = n.Adam
	k := float64(n.Groups)
	a.last, a.groups = snr.Measure(k*k*n.Squares, k*k*n.Sum, n.Groups), n.Groups // the groups add up to the step's: g_k is K times its part
	a.factor = r.Step(a.last)
	return a.factor
}

func (a *oblrRun) rule() *snr.Rule {
	if a.rate == nil {
		a.rate = snr.New(a.SNR.options())
	}
	return a.rate
}

// Measures are the baselines' spreads on the step's samples and the state of the rate's factor.
func (a *oblrRun) Measures() []Measure {
	out := slices.Clone(a.measures)
	if r := a.rate; r != nil && a.groups > 0 {
		signal, squared := r.Means()
		out = append(out,
			Measure{"snr", r.SNR()}, Measure{"snr/noise_scale", r.NoiseScale(a.groups)}, Measure{"snr/rho", r.Ratio()},
			Measure{"snr/at_floor", r.AtFloor()}, Measure{"snr/signal", signal}, Measure{"snr/squared", squared},
			Measure{"snr/signal_step", a.last.Signal}, Measure{"snr/noise_step", a.last.Noise()}, Measure{"snr/skipped", float64(r.Skipped())})
	}
	return out
}

// Notes is what baseline auto took.
func (a *oblrRun) Notes() []string { return a.notes }

func (a *oblrRun) show(name string, v float64) {
	a.measures = append(a.measures, Measure{name, v})
}

// oblrState is a checkpoint's part.
type oblrState struct {
	Prior []byte `json:"prior"`
	Taken string `json:"taken,omitempty"`
	Rule  []byte `json:"rule,omitempty"`
	Adam  bool   `json:"adam,omitempty"`
}

// MarshalBinary gives what the run remembers.
func (a *oblrRun) MarshalBinary() (data []byte, err error) {
	s := oblrState{Taken: a.taken, Adam: a.adam}
	if s.Prior, err = a.prior.MarshalBinary(); err != nil {
		return nil, err
	}
	if a.rate != nil {
		if s.Rule, err = a.rate.MarshalBinary(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(s)
}

// UnmarshalBinary takes up what a run remembered.
func (a *oblrRun) UnmarshalBinary(data []byte) error {
	var s oblrState
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("oblr-po: state: %w", err)
	}
	if s.Taken != "" && !slices.Contains(oblrCandidates, s.Taken) {
		return fmt.Errorf("oblr-po: state: baseline %q, want one of %q", s.Taken, oblrCandidates)
	}
	run := oblrRun{OBLRPO: a.OBLRPO, taken: s.Taken, adam: s.Adam}
	if err := run.prior.UnmarshalBinary(s.Prior); err != nil {
		return fmt.Errorf("oblr-po: %w", err)
	}
	if s.Rule != nil {
		run.rate = snr.New(a.SNR.options())
		if err := run.rate.UnmarshalBinary(s.Rule); err != nil {
			return fmt.Errorf("oblr-po: %w", err)
		}
	}
	*a = run
	return nil
}

// meanKnown is the mean of the values that are not NaN; NaN when there are none.
func meanKnown(v []float64) float64 {
	sum, n := 0.0, 0.0
	for _, x := range v {
		if !math.IsNaN(x) {
			sum += x
			n++
		}
	}
	return sum / n
}
