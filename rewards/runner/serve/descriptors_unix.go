//go:build unix

package serve

import "syscall"

// keepFromGrandchildren closes our descriptors in programs that the reward starts: one that outlives us must not hold
// the pipes.
func keepFromGrandchildren() {
	syscall.CloseOnExec(RequestFD)
	syscall.CloseOnExec(ReplyFD)
}
