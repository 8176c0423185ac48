package advantage

import (
	"encoding/binary"
	"fmt"
	"math"
)

// runningDecay forgets earlier steps: about ten of them count.
const runningDecay = 0.9

// Running is the running mean of weights and of weighted rewards over the prompts of earlier steps, from which the prior
// of the next step's baselines is made. Call Prior before Observe within a step, so that no group sees itself. The zero
// value has seen nothing.
type Running struct {
	mass, weight, weighted float64 // decayed: number of steps, Σ mean w, Σ mean w·r
}

// Prior shrinks by c times the mean weight, towards the mean weighted reward:
//
//	κ = c·mean w,   b0 = mean w·r/mean w
//
// Before anything was seen it shrinks nothing. c is in samples: 1 to 4 is sensible at 2 to 8 samples a prompt.
func (s *Running) Prior(c float64) Prior {
	if s.mass == 0 || s.weight == 0 {
		return Prior{}
	}
	return Prior{Kappa: c * s.weight / s.mass, Baseline: s.weighted / s.weight}
}

// Observe takes a step in. Both are [groups][G]; weights nil means equal ones, and missing rewards count for nothing.
func (s *Running) Observe(rewards, weights [][]float64) {
	var w, wr, n float64
	for g, group := range rewards {
		for i, r := range group {
			if math.IsNaN(r) {
				continue
			}
			own := 1.0
			if weights != nil {
				own = weights[g][i]
			}
			w, wr, n = w+own, wr+own*r, n+1
		}
	}
	if n == 0 {
		return
	}
	s.mass = runningDecay*s.mass + 1
	s.weight = runningDecay*s.weight + w/n
	s.weighted = runningDecay*s.weighted + wr/n
}

// MarshalBinary gives the state for a checkpoint.
func (s *Running) MarshalBinary() ([]byte, error) {
	var out []byte
	for _, v := range []float64{s.mass, s.weight, s.weighted} {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	return out, nil
}

// UnmarshalBinary takes a state up again.
func (s *Running) UnmarshalBinary(data []byte) error {
	const size = 24
	if len(data) != size {
		return fmt.Errorf("running baseline: state of %d bytes, want %d", len(data), size)
	}
	for i, v := range []*float64{&s.mass, &s.weight, &s.weighted} {
		*v = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return nil
}
