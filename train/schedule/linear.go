package schedule

var linear = Info{
	Name:   "linear",
	Doc:    "after the warm-up the rate falls on a straight line",
	Source: "Defazio et al. 2023, arXiv:2310.07831",
	New:    func() Options { return &Linear{} },
}

// Linear falls from 1 to Floor. With Floor 0 it is the best that is known before a run: see [Refined] for after one.
//
//	factor(s) = s/W for s < W, else floor + (1-floor)·(T-s)/(T-W);   T steps, W from [WarmupSteps]
//
// Floor 0 is transformers' linear schedule. The floor itself would be reached at s = T, one after the last update.
type Linear struct {
	Warmup float64 `yaml:"warmup"` // share of all steps over which the rate rises from 0; in [0, 1)
	Floor  float64 `yaml:"floor"`  // share of the rate left at the end; in [0, 1]
}

// Validate checks the options.
func (l *Linear) Validate() error {
	if err := unit("warmup", l.Warmup, false); err != nil {
		return err
	}
	return unit("floor", l.Floor, true)
}

// Open gives the rule.
func (l *Linear) Open() (Schedule, error) { return l, nil }

// Rate is the factor for one update.
func (l *Linear) Rate(s Seen) float64 {
	w := WarmupSteps(l.Warmup, s.Steps)
	if s.Step < w {
		return float64(s.Step) / float64(w)
	}
	left := float64(max(s.Steps-s.Step, 0)) / float64(max(s.Steps-w, 1))
	return l.Floor + (1-l.Floor)*left
}
