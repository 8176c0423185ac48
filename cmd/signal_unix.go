//go:build unix

package cmd

import (
	"os/signal"
	"syscall"
)

// ignoreFileSizeSignal turns a file-size limit into a write error. Otherwise the signal would end the program.
func ignoreFileSizeSignal() { signal.Ignore(syscall.SIGXFSZ) }
