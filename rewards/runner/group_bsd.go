//go:build unix && !linux

package runner

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup puts the child in a process group of its own, which can be killed whole and does not get the terminal's
// Ctrl-C. When this process is killed the child ends at the end of its requests.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func ownBinary() (string, error) { return os.Executable() }
