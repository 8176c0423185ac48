package runner

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the child in a process group of its own, which can be killed whole and does not get the terminal's
// Ctrl-C, and lets the kernel kill it when the thread that starts it is gone.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// ownBinary is the running program, even when its file has been replaced meanwhile.
func ownBinary() (string, error) { return "/proc/self/exe", nil }
