//go:build !unix

package cmd

func ignoreFileSizeSignal() {}
