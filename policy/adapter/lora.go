// Package adapter holds what is trained beside a frozen model: LoRA. Start with [Attach] for a fresh adapter, or
// [ParseConfig] and [Load] for one in PEFT's format.
package adapter

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// MaxRank bounds the rank of an adapter.
const MaxRank = 1024

// AllLinear as the only target stands for all of [Modules].
const AllLinear = "all-linear"

// Modules are the matrices of a layer that can have an adapter.
var Modules = []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}

// LoRA is a low-rank adapter, y = W·x + s·B·(A·x) with A [Rank, K] and B [N, Rank].
//
// Source: Hu et al. 2021, arXiv:2106.09685.
type LoRA struct {
	Rank    int      `yaml:"rank"`    // 1 to MaxRank
	Alpha   float64  `yaml:"alpha"`   // > 0; s = Alpha/Rank
	Targets []string `yaml:"targets"` // of Modules, or AllLinear alone
	RSLoRA  bool     `yaml:"rslora"`  // s = Alpha/√Rank (Kalajdzievski 2023, arXiv:2312.03732)
	Dropout float64  `yaml:"-"`       // what a file was trained with; unused in inference, refused in training
}

// Scale is s.
func (l LoRA) Scale() float32 {
	if l.RSLoRA {
		return float32(l.Alpha / math.Sqrt(float64(l.Rank)))
	}
	return float32(l.Alpha / float64(l.Rank))
}

// Validate returns the first impossible value.
func (l LoRA) Validate() error {
	if l.Rank < 1 || l.Rank > MaxRank {
		return fmt.Errorf("lora: rank: %d, want 1 to %d", l.Rank, MaxRank)
	}
	if !(l.Alpha > 0) || math.IsInf(float64(l.Scale()), 0) {
		return fmt.Errorf("lora: alpha: %g, want a finite number above 0", l.Alpha)
	}
	if !(l.Dropout >= 0 && l.Dropout <= 1) {
		return fmt.Errorf("lora: dropout: %g, want 0 to 1", l.Dropout)
	}
	if len(l.Targets) == 0 {
		return fmt.Errorf("lora: targets: none, want %s or some of %s", AllLinear, strings.Join(Modules, ", "))
	}
	for i, target := range l.Targets {
		if target == AllLinear && len(l.Targets) == 1 {
			continue
		}
		if !slices.Contains(Modules, target) {
			return fmt.Errorf("lora: targets: %q, want %s alone or some of %s", target, AllLinear, strings.Join(Modules, ", "))
		}
		if slices.Contains(l.Targets[:i], target) {
			return fmt.Errorf("lora: targets: %q is there twice", target)
		}
	}
	return nil
}

// ValidateTraining is Validate for an adapter that will be trained. Dropout would give training other log-probs than
// the rollout had.
func (l LoRA) ValidateTraining() error {
	if l.Dropout > 0 {
		return fmt.Errorf("lora: dropout: %g is not in this version for training, want 0", l.Dropout)
	}
	return l.Validate()
}

// modules lists the targets in the order of [Modules].
func (l LoRA) modules() []string {
	var out []string
	for _, m := range Modules {
		if slices.Contains(l.Targets, m) || slices.Contains(l.Targets, AllLinear) {
			out = append(out, m)
		}
	}
	return out
}
