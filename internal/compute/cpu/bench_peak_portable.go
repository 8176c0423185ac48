//go:build noasm || !amd64

package cpu

func chains() []chain { return []chain{goChain} }

func bf16Chain() (chain, bool) { return chain{}, false }

func readBlock(x []float32) uint32 { return readGeneric(x) }
