package main

import "strings"

// Score is a whole reward in one file: 1 when the completion names the reference, else 0. It needs no module and no
// main: burnish compiles the file by itself.
//
//	burnish train quickstart --reward reward.go
func Score(text, reference string) float64 {
	if reference != "" && strings.Contains(text, reference) {
		return 1
	}
	return 0
}
