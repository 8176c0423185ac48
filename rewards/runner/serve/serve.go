package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/burnish-rl/burnish/rewards"
)

// Func judges one completion.
type Func func(ctx context.Context, a rewards.Attempt) (rewards.Result, error)

// orphanGrace is how long a child may finish its work after the parent has gone or closed the requests.
const orphanGrace = 5 * time.Second

// maxStack bounds the stack of a reward that recurses without end: Go's own bound is a gigabyte, which takes the memory
// of the run and longer than most deadlines.
const maxStack = 64 << 20 // bytes

// Main serves on descriptors 3 and 4 until the requests end, and returns the exit status.
func Main(score Func) int {
	keepFromGrandchildren()
	debug.SetMaxStack(maxStack)
	in, out := os.NewFile(RequestFD, "requests"), os.NewFile(ReplyFD, "replies")
	orphaned := func() {
		time.AfterFunc(orphanGrace, func() { os.Exit(1) }) // the reward may loop for ever
	}
	if err := Loop(in, out, orphaned, score); err != nil {
		fmt.Fprintln(os.Stderr, "reward worker:", err)
		return 1
	}
	return 0
}

// Loop says that it is ready and answers requests in their order until they end; then it calls atEnd, finishes what it
// has read, and returns. A panic of the reward is its error for that completion.
func Loop(in io.Reader, out io.Writer, atEnd func(), score Func) error {
	if _, err := io.WriteString(out, `{"ready": true}`+"\n"); err != nil {
		return fmt.Errorf("replies: %w (started by hand? it wants descriptors 3 and 4)", err)
	}
	lines := make(chan []byte)
	ended := make(chan error, 1)
	go func() {
		defer close(lines)
		r := bufio.NewReader(in)
		for {
			line, err := ReadLine(r, MaxLine)
			if len(line) > 0 && (err == nil || err == io.EOF) {
				lines <- line
			}
			if err != nil {
				atEnd()
				ended <- err
				return
			}
		}
	}()
	for line := range lines {
		if err := answer(line, out, score); err != nil {
			return err
		}
	}
	if err := <-ended; err != io.EOF {
		return fmt.Errorf("requests: %w", err)
	}
	return nil
}

func answer(line []byte, out io.Writer, score Func) error {
	var req Request
	if err := json.Unmarshal(line, &req); err != nil {
		return fmt.Errorf("requests: %w", err)
	}
	if len(req.TextBase64) > 0 {
		req.Text = string(req.TextBase64)
	}
	res, err := guarded(score, req.Attempt)
	reply, err := EncodeReply(req.ID, res, err)
	if err != nil {
		return err
	}
	_, err = out.Write(reply)
	return err
}

// guarded turns a panic into an error that names the line.
func guarded(score Func, a rewards.Attempt) (res rewards.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v%s", p, panicPlace())
		}
	}()
	return score(context.Background(), a)
}

// panicPlace is " (file.go:7)" of the innermost frame that is not the runtime's, called while it unwinds.
func panicPlace() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicking := false
	for {
		f, more := frames.Next()
		inRuntime := strings.HasPrefix(f.Function, "runtime.")
		if panicking && !inRuntime {
			return fmt.Sprintf(" (%s:%d)", filepath.Base(f.File), f.Line)
		}
		panicking = panicking || inRuntime
		if !more {
			return ""
		}
	}
}
