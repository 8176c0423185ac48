package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// StartResult is the time from the start of the program until it prints its first sampled token, in seconds, measured
// from outside, and until it has ended.
type StartResult struct {
	First, Whole Spread
	Run          // PeakRSS is the child's
}

// Start runs this program again as `sample` of one token, so often after one time that warms the file cache.
func Start(ctx context.Context, model, precision string, threads, repeats int) (StartResult, error) {
	self, err := os.Executable()
	if err != nil {
		return StartResult{}, err
	}
	var first, whole []float64
	var peak int64
	m := StartMeter()
	err = repeat(ctx, repeats, func(counts bool) error {
		cmd := exec.CommandContext(ctx, self, "sample", "--model", model, "--precision", precision, "--raw", "--prompt", "Hello", "--max-tokens", "1",
			"--json", "--threads", fmt.Sprint(threads))
		cmd.Args[0] = os.Args[0]
		toFirst, toEnd, err := timeFirstLine(cmd)
		if counts && err == nil {
			first, whole = append(first, toFirst.Seconds()), append(whole, toEnd.Seconds())
			peak = max(peak, childPeak(cmd.ProcessState))
		}
		return err
	})
	return StartResult{First: SpreadOf(first), Whole: SpreadOf(whole), Run: Run{PeakRSS: peak, Foreign: m.Foreign()}}, err
}

// timeFirstLine runs a command: the time to the first line it prints, and to its end.
func timeFirstLine(cmd *exec.Cmd) (first, whole time.Duration, err error) {
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	lines := bufio.NewReader(out)
	_, readErr := lines.ReadString('\n')
	first = time.Since(start)
	io.Copy(io.Discard, lines)
	if err := cmd.Wait(); err != nil {
		return 0, 0, fmt.Errorf("bench start: %w: %s", err, strings.TrimSpace(problem.String()))
	}
	if readErr != nil {
		return 0, 0, fmt.Errorf("bench start: the sample printed no line: %w", readErr)
	}
	return first, time.Since(start), nil
}
