//go:build !amd64 || noasm

package int8

const vector = false

func unpackVBMI(*uint16, *int8, int, *[256]byte) { panic("int8: no vector kernel here") }
