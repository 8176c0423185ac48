package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/train/run"
)

var refined = Info{
	Name:   "refined",
	Doc:    "linear decay refined by the gradient norms of an earlier run of the same recipe",
	Source: "Defazio et al. 2023, arXiv:2310.07831",
	New:    func() Options { return &Refined{Norm: normL1} },
}

// Which norm of a gradient; also the keys of metrics.jsonl are made of these.
const (
	normL1 = "l1"
	normL2 = "l2"
)

// Refined is the schedule that minimises the bound on the last iterate's loss, given the norms G_t that a run had.
//
//	factor_t ∝ w_t·(Σ_{p>t} w_p)/(Σ_p w_p), its largest value 1;   w_t = 1/G_t of L1 norms (Adam), 1/G_t² of L2 norms (SGD)
//
// The norms are those before clipping, smoothed as [Refine] says. With equal norms it is linear decay to 0; where early
// norms are large a warm-up appears by itself. A curve of another number of steps is stretched. The peak is the recipe's
// rate. Known to be about the last iterate alone; norms of reinforcement learning are mostly noise of the rewards.
type Refined struct {
	FromRun string `yaml:"from_run"` // folder of a finished run, whose metrics.jsonl has grad_norm and grad_norm_l1; required
	Norm    string `yaml:"norm"`     // of the gradients: l1 for Adam and its kin, l2 for SGD
}

// Validate checks the options.
func (r *Refined) Validate() error {
	if r.FromRun == "" {
		return errors.New("from_run is missing, want the folder of a finished run")
	}
	return oneOf("norm", r.Norm, normL1, normL2)
}

// Open reads the run's norms.
func (r *Refined) Open() (Schedule, error) {
	key, power := "grad_norm_l1", 1.0
	if r.Norm == normL2 {
		key, power = "grad_norm", 2
	}
	table, err := run.ReadMetrics(r.FromRun, key)
	if err != nil {
		return nil, fmt.Errorf("schedule refined: %w", err)
	}
	norms := make([]float64, len(table))
	for i, row := range table {
		norms[i] = row[0]
	}
	curve, err := Refine(norms, power)
	if err != nil {
		return nil, fmt.Errorf("schedule refined: %s: %s: %w", r.FromRun, key, err)
	}
	return &refinedRate{curve: curve, of: hashOf(norms, power)}, nil
}

// refinedRate is the rule in use. What it remembers is which norms it was made of.
type refinedRate struct {
	curve []float64 // over the whole run, evenly spaced
	of    [sha256.Size]byte
}

// Rate is the factor for one update: the curve's first value for the first update, its last for the last.
func (r *refinedRate) Rate(s Seen) float64 { return interpolate(r.curve, part(s.Step, 0, s.Steps-1)) }

// MarshalBinary saves which norms the curve was made of.
func (r *refinedRate) MarshalBinary() ([]byte, error) { return r.of[:], nil }

// UnmarshalBinary refuses to go on with another curve.
func (r *refinedRate) UnmarshalBinary(b []byte) error {
	if len(b) != len(r.of) || [sha256.Size]byte(b) != r.of {
		return errors.New("refined: the gradient norms in from_run are not those that this run began with")
	}
	return nil
}

func hashOf(norms []float64, power float64) [sha256.Size]byte {
	data := binary.LittleEndian.AppendUint64(nil, math.Float64bits(power))
	for _, g := range norms {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(g))
	}
	return sha256.Sum256(data)
}
