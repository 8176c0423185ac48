package runner

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Children die when the parent is killed with -9.
func TestParentKilled(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), parentEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, perr := strconv.Atoi(strings.Fields(line + " -")[0])
	if err != nil || perr != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if !running(pid) {
		t.Fatalf("child %d is not running", pid)
	}
	time.Sleep(100 * time.Millisecond) // it begins to spin
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	for deadline := time.Now().Add(3 * time.Second); running(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("child %d outlives its parent", pid)
		}
	}
}

// The grandchild dies with the group.
func TestGrandchildKilled(t *testing.T) {
	r, l := newNaughty(t, Config{Deadline: short})
	if got, err := r.Score(context.Background(), attempt("grandchild")); err != nil || got.Missing == "" {
		t.Fatalf("%+v, %v", got, err)
	}
	pid, err := strconv.Atoi(strings.TrimPrefix(<-l.ch, "grandchild "))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(3 * time.Second); running(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("grandchild %d outlives the deadline", pid)
		}
	}
}

// running is false for a process that is gone or a zombie.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	return fields[0] != "Z"
}
