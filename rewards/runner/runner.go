// Package runner runs rewards that are not ours in child processes, because Go can't stop a function that loops nor
// survive its stack overflow. [GoFile] compiles a user's .go file, [Command] takes any program that speaks the protocol
// of package serve, and [Registered] starts the running binary again for a reward that its main registered.
//
// # Failures
//
// A completion whose score does not come within the deadline, or whose child ends or complains, has no score: its
// Result says why in Missing, and it is counted in [Stats], never taken for 0. The child's whole process group is
// killed and a fresh one judges the completions that wait. After a row of failures Score returns a
// *rewards.FailedError with the completion instead.
//
// # Deadlines and sameness
//
// A wall clock breaks "same seed, same numbers". Completions that a deadline struck are kept in [Runner.Struck] under
// the place that rewards.WithPlace gave them; [Runner.Replay] makes a resumed run miss the same ones without waiting.
package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/rewards/runner/serve"
)

// Defaults of [Config].
const (
	DefaultDeadline = 10 * time.Second
	DefaultStart    = 60 * time.Second
)

// Config says how a reward's children are run. The zero value has the defaults.
type Config struct {
	Deadline    time.Duration     // of one completion, counted from sending it; 0: 10 s
	Start       time.Duration     // until a child is ready, compiling apart; 0: 60 s
	Children    int               // children at a time, one completion each; 0: 1
	MaxFailures int               // failures in a row until Score returns an error; 0: rewards.MaxFailures
	Log         func(line string) // gets what the children print, line by line; nil drops it
}

// Runner is a reward in child processes. Children start when they are first needed. Close it after use.
type Runner struct {
	name     string
	config   Config
	argv     []string
	env      []string // added to this process's environment
	slots    chan *child
	failures rewards.Failures
	id       atomic.Uint64
	everUp   atomic.Bool
	stats    counters
	strikes  strikes
	log      *logger
	close    sync.Once
	closed   chan struct{}
}

var _ rewards.Enforcer = (*Runner)(nil)

func newRunner(name string, c Config, argv, env []string) (*Runner, error) {
	if err := supported(); err != nil {
		return nil, fmt.Errorf("reward %s: %w", name, err)
	}
	if c.Deadline < 0 || c.Start < 0 || c.Children < 0 || c.MaxFailures < 0 {
		return nil, fmt.Errorf("reward %s: found a negative deadline, start, children or max_failures", name)
	}
	c.Deadline, c.Start, c.Children = or(c.Deadline, DefaultDeadline), or(c.Start, DefaultStart), or(c.Children, 1)
	r := &Runner{
		name: name, config: c, argv: argv, env: env, slots: make(chan *child, c.Children), log: newLogger(c.Log),
		failures: rewards.Failures{Reward: name, Max: c.MaxFailures}, closed: make(chan struct{}),
	}
	for range c.Children {
		r.slots <- nil
	}
	return r, nil
}

func or[T comparable](x, otherwise T) T {
	var zero T
	if x == zero {
		return otherwise
	}
	return x
}

// Score sends the attempt to a child and waits for its reply. The error is a *rewards.FailedError after too many
// failures in a row, that of ctx, or that no child ever started.
func (r *Runner) Score(ctx context.Context, a rewards.Attempt) (rewards.Result, error) {
	if reason, ok := r.strikes.replayed(ctx); ok {
		r.stats.replayed.Add(1)
		return rewards.Result{Missing: reason}, nil
	}
	id := r.id.Add(1)
	line, err := serve.EncodeRequest(id, a)
	if err != nil {
		return rewards.Result{}, fmt.Errorf("reward %s: %w", r.name, err)
	}
	if len(line) > serve.MaxLine {
		return r.failed(&r.stats.failed, a, fmt.Sprintf("the completion takes %d bytes as JSON, want at most %d", len(line), serve.MaxLine))
	}
	c, err := r.acquire(ctx)
	if err != nil {
		return rewards.Result{}, err
	}
	defer func() { r.slots <- c }()
	if c == nil || !c.alive() {
		if c, err = r.startChild(ctx, c); err != nil {
			return r.notStarted(ctx, a, err)
		}
	}
	reply, err := c.ask(ctx, id, line, r.config.Deadline)
	return r.outcome(ctx, a, reply, err)
}

// outcome sorts what came of asking a child.
func (r *Runner) outcome(ctx context.Context, a rewards.Attempt, reply serve.Reply, err error) (rewards.Result, error) {
	switch {
	case errors.Is(err, errExpired):
		reason := fmt.Sprintf("no score within %v", r.config.Deadline)
		r.strikes.strike(ctx, reason)
		return r.failed(&r.stats.expired, a, reason)
	case err != nil && ctx.Err() != nil:
		return rewards.Result{}, ctx.Err()
	case err != nil:
		return r.failed(&r.stats.crashed, a, err.Error())
	case reply.Error != "":
		return r.failed(&r.stats.failed, a, reply.Error)
	}
	r.failures.OK()
	r.stats.scored.Add(1)
	return reply.Result, nil
}

func (r *Runner) failed(count *atomic.Int64, a rewards.Attempt, reason string) (rewards.Result, error) {
	count.Add(1)
	return r.failures.Failed(a, reason)
}

func (r *Runner) acquire(ctx context.Context) (*child, error) {
	select {
	case <-r.closed: // first: a closed runner has free slots too
		return nil, fmt.Errorf("reward %s: used after Close", r.name)
	default:
	}
	select {
	case c := <-r.slots:
		if err := ctx.Err(); err != nil {
			r.slots <- c
			return nil, err
		}
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *Runner) startChild(ctx context.Context, old *child) (*child, error) {
	if old != nil {
		r.stats.restarts.Add(1)
	}
	c, err := start(ctx, r.argv, r.env, r.config.Start, r.log, &r.stats.dropped)
	if err == nil {
		r.everUp.Store(true)
	}
	return c, err
}

// notStarted: a child that never came up is an error at once, one that did before is a failure like any other.
func (r *Runner) notStarted(ctx context.Context, a rewards.Attempt, err error) (rewards.Result, error) {
	if ctx.Err() != nil {
		return rewards.Result{}, ctx.Err()
	}
	if !r.everUp.Load() {
		return rewards.Result{}, &rewards.FailedError{Reward: r.name, Reason: "start: " + err.Error(), Attempt: a}
	}
	return r.failed(&r.stats.crashed, a, "start: "+err.Error())
}

// EnforcesDeadline is true: a child that takes too long is killed.
func (r *Runner) EnforcesDeadline() bool { return true }

// Name is what messages call the reward.
func (r *Runner) Name() string { return r.name }

// Close ends the children. It waits for scores that are under way.
func (r *Runner) Close() error {
	r.close.Do(func() {
		close(r.closed)
		for range r.config.Children {
			if c := <-r.slots; c != nil {
				c.end()
			}
		}
		for range r.config.Children {
			r.slots <- nil
		}
	})
	return nil
}
