package schedule

var cosine = Info{
	Name:   "cosine",
	Doc:    "after the warm-up the rate falls on half a cosine",
	Source: "Ibrahim et al. 2024, arXiv:2403.08763",
	New:    func() Options { return &Cosine{Warmup: 0.01, Floor: 0.1} },
}

// Cosine falls slowly at first and at the end.
//
//	factor(s) = s/W for s < W, else floor + (1-floor)/2·(1 + cos(π·(s-W)/(T-W)));   T steps, W from [WarmupSteps]
//
// The defaults are those of the paper's runs: 1% warm-up, a tenth of the rate left.
type Cosine struct {
	Warmup float64 `yaml:"warmup"` // share of all steps over which the rate rises from 0; in [0, 1)
	Floor  float64 `yaml:"floor"`  // share of the rate left at the end; in [0, 1]
}

// Validate checks the options.
func (c *Cosine) Validate() error {
	if err := unit("warmup", c.Warmup, false); err != nil {
		return err
	}
	return unit("floor", c.Floor, true)
}

// Open gives the rule.
func (c *Cosine) Open() (Schedule, error) { return c, nil }

// Rate is the factor for one update.
func (c *Cosine) Rate(s Seen) float64 {
	return warmThenFall(s.Step, s.Steps, WarmupSteps(c.Warmup, s.Steps), shapeCosine, c.Floor)
}
