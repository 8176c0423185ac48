//go:build !unix

package serve

// keepFromGrandchildren has nothing to do where a parent can't hand over descriptors 3 and 4.
func keepFromGrandchildren() {}
