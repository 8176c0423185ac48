//go:build darwin || freebsd

package cpu

import "unsafe"

// adviseHuge does nothing: these systems choose their page sizes themselves.
func adviseHuge(unsafe.Pointer, uintptr) {}
