package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/burnish-rl/burnish/rewards/runner/serve"
)

const (
	pipeGrace  = 500 * time.Millisecond // how long a grandchild may hold the output pipes of a child that has ended
	drainGrace = 200 * time.Millisecond // how long replies of a child that has ended are still read
	endGrace   = 2 * time.Second        // how long a child may take to end at the end of its requests
)

var errExpired = errors.New("deadline")

// child is one process. One request is under way at a time.
type child struct {
	cmd      *exec.Cmd
	requests *os.File
	lines    chan []byte // replies; closed when they end
	readErr  error       // why they ended, valid after lines is closed
	exited   chan struct{}
	exitErr  error // valid after exited is closed
	killed   chan struct{}
	kill1    sync.Once
	output   *output
	dropped  *atomic.Int64
}

// start runs the program and waits until it says that it is ready.
func start(ctx context.Context, argv, env []string, limit time.Duration, log *logger, dropped *atomic.Int64) (*child, error) {
	reqR, reqW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	repR, repW, err := os.Pipe()
	if err != nil {
		reqR.Close()
		reqW.Close()
		return nil, err
	}
	c := &child{
		cmd: exec.Command(argv[0], argv[1:]...), requests: reqW, lines: make(chan []byte), exited: make(chan struct{}),
		killed: make(chan struct{}), output: newOutput(log), dropped: dropped,
	}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.ExtraFiles = []*os.File{reqR, repW} // 3 and 4
	c.cmd.Stdout, c.cmd.Stderr = c.output.stdout(), c.output.stderr()
	c.cmd.WaitDelay = pipeGrace
	ownGroup(c.cmd)
	started := make(chan error, 1)
	go c.live(started, reqR, repR, repW)
	if err := <-started; err != nil {
		reqW.Close()
		repR.Close()
		return nil, plain(err)
	}
	go c.read(repR)
	if err := c.ready(ctx, limit); err != nil {
		c.kill()
		return nil, err
	}
	return c, nil
}

// live starts the process and sees it end on one locked thread, because the signal that ends a child with its parent is
// tied to the thread that started it.
func (c *child) live(started chan<- error, reqR, repR, repW *os.File) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	reqR.Close()
	repW.Close()
	started <- err
	if err != nil {
		return
	}
	c.exitErr = c.cmd.Wait()
	killGroup(c.cmd.Process.Pid) // what the child has left behind
	// A grandchild may still hold the replies open. A file that can't have a deadline is closed.
	if repR.SetReadDeadline(time.Now().Add(drainGrace)) != nil {
		repR.Close()
	}
	c.output.flush()
	close(c.exited)
}

// read hands on the reply lines until they end.
func (c *child) read(replies *os.File) {
	defer replies.Close()
	defer close(c.lines)
	r := bufio.NewReader(replies)
	for {
		line, err := serve.ReadLine(r, serve.MaxLine)
		if err != nil {
			c.readErr = err
			return
		}
		select {
		case c.lines <- line:
		case <-c.killed:
			c.readErr = io.EOF
			return
		}
	}
}

// ready waits for the child's first line.
func (c *child) ready(ctx context.Context, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case line, ok := <-c.lines:
		if !ok {
			return c.endReason()
		}
		if !isReady(line) {
			return fmt.Errorf("first line on descriptor %d: found %.60q, want {\"ready\": true}", serve.ReplyFD, line)
		}
		return nil
	case <-timer.C:
		return fmt.Errorf("not ready within %v, want {\"ready\": true} on descriptor %d", limit, serve.ReplyFD)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask sends one request and waits for its reply. After any error the child is gone.
func (c *child) ask(ctx context.Context, id uint64, line []byte, limit time.Duration) (serve.Reply, error) {
	c.output.next()
	deadline := time.Now().Add(limit)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	reply, err := c.exchange(ctx, id, line, deadline, timer.C)
	if err != nil {
		c.kill()
	}
	return reply, err
}

func (c *child) exchange(ctx context.Context, id uint64, line []byte, deadline time.Time, expired <-chan time.Time) (serve.Reply, error) {
	_ = c.requests.SetWriteDeadline(deadline) // a pipe of ours always takes one
	unblock := context.AfterFunc(ctx, func() { _ = c.requests.SetWriteDeadline(time.Now()) })
	_, err := c.requests.Write(line)
	unblock()
	switch {
	case ctx.Err() != nil:
		return serve.Reply{}, ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return serve.Reply{}, errExpired
	case err != nil:
		return serve.Reply{}, c.endReason()
	}
	for {
		select {
		case line, ok := <-c.lines:
			if !ok {
				return serve.Reply{}, c.endReason()
			}
			reply, err := decodeReply(line)
			if err != nil {
				return serve.Reply{}, err
			}
			if reply.ID == id {
				return reply, nil
			}
			c.dropped.Add(1)
		case <-expired:
			return serve.Reply{}, errExpired
		case <-ctx.Done():
			return serve.Reply{}, ctx.Err()
		}
		if !time.Now().Before(deadline) { // a flood of other replies must not starve the timer
			return serve.Reply{}, errExpired
		}
	}
}

// endReason says how a child ended that stopped talking, with what it printed last.
func (c *child) endReason() error {
	if errors.Is(c.linesErr(), serve.ErrLongLine) {
		return fmt.Errorf("a reply has more than %d bytes", serve.MaxLine)
	}
	select {
	case <-c.exited:
	case <-time.After(pipeGrace + drainGrace):
		c.kill()
		<-c.exited
		return errors.New("the child closed its descriptors and lived on")
	}
	how := "exit status 0"
	if c.exitErr != nil && !errors.Is(c.exitErr, exec.ErrWaitDelay) {
		how = c.exitErr.Error()
	}
	if last := c.output.last(); last != "" {
		return fmt.Errorf("the child ended: %s: %s", how, last)
	}
	return fmt.Errorf("the child ended: %s", how)
}

// linesErr waits for the end of the replies, after a write that failed or a channel that closed.
func (c *child) linesErr() error {
	for range 2 {
		select {
		case _, ok := <-c.lines:
			if !ok {
				return c.readErr
			}
		case <-time.After(drainGrace):
			return nil
		}
	}
	return nil
}

func (c *child) alive() bool {
	select {
	case <-c.exited:
		return false
	case <-c.killed:
		return false
	default:
		return true
	}
}

// kill ends the whole process group and does not wait for it.
func (c *child) kill() {
	c.kill1.Do(func() {
		close(c.killed)
		c.requests.Close()
		killGroup(c.cmd.Process.Pid)
	})
}

// end lets the child go at the end of its requests, or kills it.
func (c *child) end() {
	c.requests.Close()
	select {
	case <-c.exited:
	case <-time.After(endGrace):
	}
	c.kill()
	<-c.exited
}

// plain drops the layers that say what os/exec did, which the reader of "no such file" does not need.
func plain(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		var no syscall.Errno
		if errors.As(pathErr.Err, &no) {
			return fmt.Errorf("%s: %w", pathErr.Path, no)
		}
	}
	return err
}
