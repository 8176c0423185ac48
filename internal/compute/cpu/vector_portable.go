//go:build noasm || !amd64

package cpu

// Without assembly the portable loops of the callers do all of a row; vector_x86.go says what these would do.

func (k *kernel) maxBlocks(x []float32, _ *lanes) []float32 { return x }

func (k *kernel) expBlocks(x []float32, _, _ float32, _ *lanes) []float32 { return x }

func (k *kernel) statBlocks(x []float32, _, _ float32, _, _, _ *lanes) []float32 { return x }

func (k *kernel) swigluBlocks(_, _, _ []float32) (done int) { return 0 }

func (k *kernel) swigluGradBlocks(_, _, _, _, _ []float32) (done int) { return 0 }
