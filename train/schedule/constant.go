package schedule

var constant = Info{
	Name: "constant",
	Doc:  "the whole rate after the warm-up",
	New:  func() Options { return &Constant{} },
}

// Constant holds the rate.
//
//	factor(s) = s/W for s < W, else 1;   W from [WarmupSteps]
type Constant struct {
	Warmup float64 `yaml:"warmup"` // share of all steps over which the rate rises from 0; in [0, 1)
}

// Validate checks the options.
func (c *Constant) Validate() error { return unit("warmup", c.Warmup, false) }

// Open gives the rule.
func (c *Constant) Open() (Schedule, error) { return c, nil }

// Rate is the factor for one update.
func (c *Constant) Rate(s Seen) float64 {
	return part(s.Step, 0, WarmupSteps(c.Warmup, s.Steps))
}
