package schedule

import "fmt"

var rewarm = Info{
	Name:   "rewarm",
	Doc:    "re-warms and re-decays: every stage of the run has the same curve anew",
	Source: "Gupta et al. 2023, arXiv:2308.04014; Ibrahim et al. 2024, arXiv:2403.08763",
	New: func() Options {
		return &Rewarm{Starts: []float64{0.5}, Warmup: 0.01, Shape: shapeCosine, Floor: 0.1, ResetOptimizer: true}
	},
}

// Rewarm is for a run over one data set after another: at the start of each the rate rises and falls again.
//
//	factor(s) = the curve of [Cosine] or [Linear] at s - S_i of S_{i+1} - S_i steps,   S_i <= s < S_{i+1}
//
// S_0 = 0 and S_i = ceil(starts_i·T). A larger rate adapts faster and forgets more. Even on the same data the loss rises
// for a while after a start; that is no divergence (paper). The paper resets the optimizer at each start.
type Rewarm struct {
	Starts         []float64 `yaml:"starts"`          // where stages after the first begin, as shares of all steps; each in (0, 1), rising
	Warmup         float64   `yaml:"warmup"`          // share of a stage over which the rate rises from 0; in [0, 1)
	Shape          string    `yaml:"shape"`           // of the fall: cosine or linear
	Floor          float64   `yaml:"floor"`           // share of the rate left at a stage's end; in [0, 1]
	ResetOptimizer bool      `yaml:"reset_optimizer"` // a stage begins with the optimizer's moments at 0
}

// Validate checks the options.
func (w *Rewarm) Validate() error {
	last := 0.0
	for _, s := range w.Starts {
		if !(s > last && s < 1) {
			return fmt.Errorf("starts are %v, want shares of all steps in (0, 1), each above the one before", w.Starts)
		}
		last = s
	}
	if err := unit("warmup", w.Warmup, false); err != nil {
		return err
	}
	if err := oneOf("shape", w.Shape, shapeCosine, shapeLinear); err != nil {
		return err
	}
	return unit("floor", w.Floor, true)
}

// Open gives the rule.
func (w *Rewarm) Open() (Schedule, error) { return w, nil }

// Rate is the factor for one update.
func (w *Rewarm) Rate(s Seen) float64 {
	from, to := w.stage(s.Step, s.Steps)
	return warmThenFall(s.Step-from, to-from, WarmupSteps(w.Warmup, to-from), w.Shape, w.Floor)
}

// Restarts is true of a stage's first update, but for the run's.
func (w *Rewarm) Restarts(step, steps int) bool {
	from, _ := w.stage(step, steps)
	return w.ResetOptimizer && step > 0 && step == from
}

// stage is the steps [from, to) of the stage that a step is in.
func (w *Rewarm) stage(step, steps int) (from, to int) {
	for _, share := range w.Starts {
		if at := WarmupSteps(share, steps); at <= step {
			from = at
		} else {
			return from, at
		}
	}
	return from, steps
}
