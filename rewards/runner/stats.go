package runner

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/burnish-rl/burnish/rewards"
)

// Stats counts what became of the completions, since the runner was made.
type Stats struct {
	Scored   int64 // replies with a score, or with a reward's own Missing
	Expired  int64 // no reply within the deadline
	Crashed  int64 // the child ended, broke the protocol, or could not be started again
	Failed   int64 // the reward reported an error: a panic, a score that is no finite number
	Replayed int64 // missed because a recorded deadline said so
	Restarts int64 // children started in place of one that had ended
	Dropped  int64 // replies to completions that nobody waited for any more
}

type counters struct {
	scored, expired, crashed, failed, replayed, restarts, dropped atomic.Int64
}

// Stats is a snapshot of the counts.
func (r *Runner) Stats() Stats {
	s := &r.stats
	return Stats{
		Scored: s.scored.Load(), Expired: s.expired.Load(), Crashed: s.crashed.Load(), Failed: s.failed.Load(),
		Replayed: s.replayed.Load(), Restarts: s.restarts.Load(), Dropped: s.dropped.Load(),
	}
}

// Strike is a completion that a deadline struck.
type Strike struct {
	rewards.Place
	Reason string `json:"reason"`
}

// strikes are what deadlines struck, and what they shall be taken to strike.
type strikes struct {
	mu     sync.Mutex
	struck []Strike
	replay map[rewards.Place]string
}

// strike records a completion whose place is known.
func (s *strikes) strike(ctx context.Context, reason string) {
	if p, ok := rewards.PlaceOf(ctx); ok {
		s.mu.Lock()
		s.struck = append(s.struck, Strike{p, reason})
		s.mu.Unlock()
	}
}

// replayed also records the strike again, so that the record of a resumed run is whole.
func (s *strikes) replayed(ctx context.Context) (string, bool) {
	p, ok := rewards.PlaceOf(ctx)
	if !ok {
		return "", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	reason, ok := s.replay[p]
	if ok {
		s.struck = append(s.struck, Strike{p, reason})
	}
	return reason, ok
}

// Struck lists the completions that the deadline struck, by place: save it beside the run.
func (r *Runner) Struck() []Strike {
	r.strikes.mu.Lock()
	defer r.strikes.mu.Unlock()
	list := slices.Clone(r.strikes.struck)
	slices.SortFunc(list, func(a, b Strike) int {
		return slices.Compare([]int{a.Step, a.Slot, a.Sample}, []int{b.Step, b.Slot, b.Sample})
	})
	return list
}

// Replay makes the listed completions miss their score at once, with the recorded reason.
func (r *Runner) Replay(list []Strike) {
	r.strikes.mu.Lock()
	defer r.strikes.mu.Unlock()
	r.strikes.replay = map[rewards.Place]string{}
	for _, s := range list {
		r.strikes.replay[s.Place] = s.Reason
	}
}
