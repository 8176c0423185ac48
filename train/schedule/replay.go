package schedule

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/burnish-rl/burnish/train/run"
)

var replay = Info{
	Name: "replay",
	Doc:  "the rates that another run had, step by step: what a measured rate did, without the measurement",
	New:  func() Options { return &Replay{} },
}

// Replay gives each update the factor that the same update of an earlier run had, all of that run's factors together:
//
//	factor(s) = lr_s/base_s of the run's step s
//
// so with the run's base rate it gives the run's rates. It is the control of a rate that follows a measurement: replayed from
// a run of another seed, the curve is the same and the measurement says nothing of this run. Updates past the run's end keep
// its last factor.
type Replay struct {
	FromRun string `yaml:"from_run"` // folder of a finished run, whose metrics.jsonl has lr and lr/base; required
}

// Validate checks the options.
func (r *Replay) Validate() error {
	if r.FromRun == "" {
		return errors.New("from_run is missing, want the folder of a finished run")
	}
	return nil
}

// Open reads the run's rates.
func (r *Replay) Open() (Schedule, error) {
	table, err := run.ReadMetrics(r.FromRun, "lr", "lr/base")
	if err != nil {
		return nil, fmt.Errorf("schedule replay: %w", err)
	}
	factors := make([]float64, len(table))
	for i, row := range table {
		factors[i] = row[0] / row[1]
		if !(factors[i] >= 0 && row[1] > 0) {
			return nil, fmt.Errorf("schedule replay: %s: step %d has lr %v of a base of %v, want both and a base > 0", r.FromRun, i+1, row[0], row[1])
		}
	}
	if len(factors) == 0 {
		return nil, fmt.Errorf("schedule replay: %s has no steps", r.FromRun)
	}
	return &replayed{factors, hashOf(factors, 1)}, nil
}

// replayed is the rule in use. What it remembers is which factors it replays.
type replayed struct {
	factors []float64 // [steps of the run]
	of      [sha256.Size]byte
}

// Rate is the factor for one update.
func (r *replayed) Rate(s Seen) float64 { return r.factors[min(s.Step, len(r.factors)-1)] }

// MarshalBinary saves which factors these are.
func (r *replayed) MarshalBinary() ([]byte, error) { return r.of[:], nil }

// UnmarshalBinary refuses to go on with other factors.
func (r *replayed) UnmarshalBinary(b []byte) error {
	if len(b) != len(r.of) || [sha256.Size]byte(b) != r.of {
		return errors.New("replay: the rates in from_run are not those that this run began with")
	}
	return nil
}
