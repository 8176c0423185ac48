//go:build noasm || !amd64

package cpu

func kernels() []*kernel { return []*kernel{&portable} }
