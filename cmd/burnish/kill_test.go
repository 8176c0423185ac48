//go:build unix

package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A run killed 20 times at random moments, or interrupted, and resumed each time leaves the bytes of an unbroken one.
// recipe.yaml of the first process is there or not: then the run starts anew.
const (
	killSteps   = "train.steps=80"
	killSaves   = "train.checkpoint_every=3"
	killsWanted = 20
)

func TestKilledRunsResumeToTheSameBytes(t *testing.T) {
	unbroken := filepath.Join(t.TempDir(), "run")
	finish(t, unbroken)
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			wanted := killsWanted
			if signal != syscall.SIGKILL {
				wanted = 5
			}
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			dir := filepath.Join(t.TempDir(), "run")
			hits := 0
			for tries := 0; hits < wanted && tries < 3*wanted; tries++ {
				if strike(t, dir, signal, random) {
					hits++
				}
			}
			finish(t, dir)
			t.Logf("%d struck", hits)
			if d := differences(unbroken, dir); len(d) > 0 {
				t.Fatalf("after %d times: %q", hits, d)
			}
			if hits < wanted {
				t.Errorf("only %d of %d processes were still running when struck", hits, wanted)
			}
		})
	}
}

// strike starts or resumes the run and strikes it: early, or some steps on. It says whether the process still ran.
func strike(t *testing.T, dir string, signal syscall.Signal, random *rand.Rand) bool {
	t.Helper()
	c, output := trainProcess(dir)
	before := fileSize(filepath.Join(dir, "metrics.jsonl"))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	if random.IntN(3) > 0 { // wait for a step or two
		after := before + int64(random.IntN(1500))
		for start := time.Now(); fileSize(filepath.Join(dir, "metrics.jsonl")) <= after && time.Since(start) < 2*time.Second; {
			time.Sleep(time.Millisecond)
		}
	}
	time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
	_ = c.Process.Signal(signal) // it may be gone
	err := <-done
	if err == nil {
		return false
	}
	if code := c.ProcessState.ExitCode(); signal != syscall.SIGKILL && code != 130 && code != -1 { // -1: before the handler stood
		t.Fatalf("exit code %d, want 130: %s", code, output)
	}
	return true
}

func finish(t *testing.T, dir string) {
	t.Helper()
	c, output := trainProcess(dir)
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
}

// trainProcess is this test binary as burnish, going on with the run if there is one.
func trainProcess(dir string) (*exec.Cmd, *bytes.Buffer) {
	args := []string{"burnish", "train", "testdata/tiny.yaml", "--out", dir, "--set", killSteps, "--set", killSaves}
	if _, err := os.Stat(filepath.Join(dir, "recipe.yaml")); err == nil {
		args = []string{"burnish", "train", "--resume", dir}
	}
	var output bytes.Buffer
	return &exec.Cmd{Path: os.Args[0], Args: args, Env: os.Environ(), Stdout: &output, Stderr: &output}, &output
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
