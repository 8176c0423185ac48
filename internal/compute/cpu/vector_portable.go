//go:build noasm || !amd64

package cpu

// Without assembly no kernel set is a vector one, and the portable loops of the callers do all of a row; vector_x86.go
// says what these would do.

func maxBlocks(x []float32, _ *lanes) []float32 { return x }

func expBlocks(x []float32, _, _ float32, _ *lanes) []float32 { return x }

func statBlocks(x []float32, _, _ float32, _, _, _ *lanes) []float32 { return x }

func swigluBlocks(_, _, _ []float32) (done int) { return 0 }

func swigluGradBlocks(_, _, _, _, _ []float32) (done int) { return 0 }

func widenBlocks(_ []float32, _ []uint16) (done int) { return 0 }

func halveBlocks(_ []uint16, _ []float32) (done int) { return 0 }
