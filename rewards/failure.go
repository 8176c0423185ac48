package rewards

import (
	"fmt"
	"sync"
)

// MaxFailures is how many times in a row a reward may fail before a run stops, unless an option says otherwise.
const MaxFailures = 10

// FailedError stops a run: a reward failed too often. It carries the completion it failed on last.
type FailedError struct {
	Reward  string
	Times   int // in a row; 0 when it could not even be started
	Reason  string
	Attempt Attempt
}

const shownText = 200 // bytes of the completion in the message

func (e *FailedError) Error() string {
	if e.Times == 0 {
		return fmt.Sprintf("reward %s: %s", e.Reward, e.Reason)
	}
	return fmt.Sprintf("reward %s: failed %d times in a row: %s; completion: %q", e.Reward, e.Times, e.Reason, cut(e.Attempt.Text, shownText))
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

// Failures counts consecutive failures of one reward. The zero value allows [MaxFailures]. It is safe for concurrent
// use.
type Failures struct {
	Reward string
	Max    int // 0: MaxFailures

	mu  sync.Mutex
	row int
}

// OK ends the row.
func (f *Failures) OK() {
	f.mu.Lock()
	f.row = 0
	f.mu.Unlock()
}

// Failed counts one: the result is a missing score with the reason, or, at the end of patience, a *[FailedError].
func (f *Failures) Failed(a Attempt, reason string) (Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.row++
	most := f.Max
	if most == 0 {
		most = MaxFailures
	}
	if f.row >= most {
		return Result{}, &FailedError{Reward: f.Reward, Times: f.row, Reason: reason, Attempt: a}
	}
	return Result{Missing: reason}, nil
}
