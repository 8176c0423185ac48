//go:build noasm || !amd64

package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// Without assembly no kernel set is a vector one, and the portable loops of the callers do all of a row; vector_x86.go
// says what these would do.

func maxBlocks(_ []float32, _ *lanes) {}

func (k *kernel) expBlocks(_ []float32, _, _ float32, _ *lanes) {}

func (k *kernel) statBlocks(_ []float32, _, _ float32, _, _, _ *lanes) {}

func (k *kernel) swigluBlocks(_, _, _ []float32) {}

func (k *kernel) swigluGradBlocks(_, _, _, _, _ []float32) {}

func widenBlocks(_ []float32, _ []uint16) {}

func halveBlocks(_ []uint16, _ []float32) {}

func dotBlocks(_, _ []float32, _ *lanes) {}

func dotWhole(_, _ []float32) (sum float32, ok bool) { return 0, false }

func normDotBlocks(_, _, _ []float32, _ *lanes) {}

func normScaleBlocks(_, _, _ []float32, _ float32) {}

func normGradBlocks(_, _, _, _ []float32, _, _ float32) {}

func gainGradBlocks(_, _, _ []float32, _ float32) {}

func addBlocks(_, _ []float32) {}

func axpyBlocks(_ []float32, _ float32, _ []float32) {}

func scaleBlocks(_ []float32, _ float32) {}

func (k *kernel) statGradBlocks(_ []float32, _ *gradScalars) {}

func adamWBlocks(_, _, _, _ []float32, _ *adamWScalars) {}

func sgdBlocks(_, _ []float32, _ *sgdScalars) {}

func sgdMomentumBlocks(_, _, _ []float32, _ *sgdScalars) {}

func squareBlocks(_, _ []float32, _ *[2][4]float64) {}

func absBlocks(_ []float32, _ *[compute.Lanes]float64) {}

func scoreGradBlocks(_, _ []float32, _, _ float32) {}

func largestBlocks(_ []float32, _ *[compute.Lanes]uint32) {}

func turnBlocks(_, _, _ []float32, _ bool) {}
