package rewards

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
)

// Weighted is a reward in a list, with its factor.
type Weighted struct {
	Name   string
	Weight float64 // may be 0: the score is recorded and not counted
	Reward Reward

	// Parts, unless empty, are what counts in place of the reward's score: the sum of these parts of it, each with its own
	// weight. Estimators that scale the parts of a reward apart see each.
	Parts []Term
}

// Term is a summand of a score: a part's name and its weight.
type Term struct {
	Name   string
	Weight float64
}

// score is what counts of a result.
func (w *Weighted) score(r *Result) (problem string) {
	if len(w.Parts) == 0 || r.Missing != "" {
		return ""
	}
	r.Score = 0
	for _, want := range w.Parts {
		i := slices.IndexFunc(r.Parts, func(p Part) bool { return p.Name == want.Name })
		if i < 0 {
			var names []string
			for _, p := range r.Parts {
				names = append(names, p.Name)
			}
			return fmt.Sprintf("part %q is not in the result, want one of %q", want.Name, names)
		}
		r.Score += want.Weight * r.Parts[i].Score
	}
	return ""
}

// Composite sums weighted rewards and keeps every part. [NewComposite] also checks the list.
type Composite struct {
	List     []Weighted
	Parallel int // attempts judged at a time in ScoreAll; 0: one a CPU

	once     sync.Once
	failures []*Failures
}

// NewComposite checks the list: names not empty and not repeated, finite weights, a reward each.
func NewComposite(list []Weighted) (*Composite, error) {
	if len(list) == 0 {
		return nil, errors.New("rewards: found none, want at least one")
	}
	c := &Composite{List: list}
	taken := map[string]bool{}
	for _, w := range list {
		switch {
		case w.Name == "" || w.Reward == nil:
			return nil, fmt.Errorf("rewards: found one without a name or a reward: %q", w.Name)
		case taken[w.Name]:
			return nil, fmt.Errorf("rewards: %s: found it twice, want one of each name", w.Name)
		case !finite(w.Weight):
			return nil, fmt.Errorf("rewards: %s: weight: found %v, want a finite number", w.Name, w.Weight)
		}
		for _, p := range w.Parts {
			if p.Name == "" || !finite(p.Weight) {
				return nil, fmt.Errorf("rewards: %s: part %q: weight: found %v, want a name and a finite number", w.Name, p.Name, p.Weight)
			}
		}
		taken[w.Name] = true
	}
	return c, nil
}

// Score sums weight·score over the list, in its order. Parts hold each reward's score before the weight under its name
// and each of its own parts as name/part.
//
// A reward that returns an error, panics, or returns a score that is not finite has no score for this attempt. Where
// one with a weight has none, the sum has none either, and Missing says which. After [MaxFailures] in a row the error
// is a *[FailedError]; the other error is that of ctx.
func (c *Composite) Score(ctx context.Context, a Attempt) (Result, error) {
	var total Result
	for i, w := range c.List {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		r, err := c.one(ctx, i, a)
		if err != nil {
			return Result{}, err
		}
		for _, note := range r.Notes {
			total.Notes = append(total.Notes, w.Name+": "+note)
		}
		total.Spans = append(total.Spans, r.Spans...)
		if r.Missing != "" {
			if w.Weight != 0 && total.Missing == "" {
				total.Missing = w.Name + ": " + r.Missing
			}
			continue
		}
		total.Score += w.Weight * r.Score
		total.Parts = append(total.Parts, Part{w.Name, r.Score})
		for _, p := range r.Parts {
			total.Parts = append(total.Parts, Part{w.Name + "/" + p.Name, p.Score})
		}
	}
	if total.Missing != "" {
		total.Score = 0
	}
	return total, nil
}

// Terms are what the sum adds up: the name that each has among a result's parts, and its weight. What weighs 0 is none.
func (c *Composite) Terms() []Term {
	var out []Term
	add := func(name string, weight float64) {
		if weight != 0 {
			out = append(out, Term{name, weight})
		}
	}
	for _, w := range c.List {
		if len(w.Parts) == 0 {
			add(w.Name, w.Weight)
		}
		for _, p := range w.Parts {
			add(w.Name+"/"+p.Name, w.Weight*p.Weight)
		}
	}
	return out
}

// one asks a single reward and turns failures into a missing score.
func (c *Composite) one(ctx context.Context, i int, a Attempt) (Result, error) {
	r, err := guarded(ctx, c.judge(ctx, i), a)
	var failed *FailedError
	switch {
	case errors.As(err, &failed):
		return r, err
	case err != nil && ctx.Err() != nil:
		return r, ctx.Err()
	case err != nil:
		return c.failure(i).Failed(a, err.Error())
	case r.Missing == "" && nonFinite(r) != "":
		return c.failure(i).Failed(a, nonFinite(r))
	}
	if problem := c.List[i].score(&r); problem != "" {
		return c.failure(i).Failed(a, problem)
	}
	c.failure(i).OK()
	return r, nil
}

// failure is the count of a reward.
func (c *Composite) failure(i int) *Failures {
	c.once.Do(func() {
		for _, w := range c.List {
			c.failures = append(c.failures, &Failures{Reward: w.Name})
		}
	})
	return c.failures[i]
}

// guarded turns a panic of a reward in this process into an error.
func guarded(ctx context.Context, r Reward, a Attempt) (res Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			res, err = Result{}, fmt.Errorf("panic: %v", p)
		}
	}()
	return r.Score(ctx, a)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// nonFinite names the first score of a result that is no finite number, "" when all are.
func nonFinite(r Result) string {
	if !finite(r.Score) {
		return fmt.Sprintf("score is %v, want a finite number", r.Score)
	}
	for _, p := range r.Parts {
		if !finite(p.Score) {
			return fmt.Sprintf("part %s is %v, want a finite number", p.Name, p.Score)
		}
	}
	return ""
}

// ScoreAll judges the attempts, Parallel at a time, and returns the results in their order. places, one for each
// attempt, may be nil. It stops at the first error.
func (c *Composite) ScoreAll(ctx context.Context, as []Attempt, places ...Place) ([]Result, error) {
	if len(places) != 0 && len(places) != len(as) {
		return nil, fmt.Errorf("rewards: found %d places for %d attempts, want one for each or none", len(places), len(as))
	}
	ahead, err := c.ahead(ctx, as)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make([]Result, len(as))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(c.parallel(), len(as)) {
		workers.Go(func() {
			for i := range next {
				at := ahead.with(ctx, i)
				if len(places) > 0 {
					at = WithPlace(at, places[i])
				}
				var err error
				if results[i], err = c.Score(at, as[i]); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range as {
		next <- i
	}
	close(next)
	workers.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return results, nil
}

func (c *Composite) parallel() int {
	if c.Parallel > 0 {
		return c.Parallel
	}
	return runtime.GOMAXPROCS(0)
}

// Enforcer is a reward that can be stopped: it runs in a child process.
type Enforcer interface {
	Reward
	EnforcesDeadline() bool
}

// DeadlineNotEnforced names the rewards that run in this process and are not ours: Go can't stop them when they loop,
// so a run that uses them should say "deadline not enforced".
func (c *Composite) DeadlineNotEnforced() []string {
	var names []string
	for _, w := range c.List {
		e, ok := w.Reward.(Enforcer)
		if !ours(w.Reward) && !(ok && e.EnforcesDeadline()) {
			names = append(names, w.Name)
		}
	}
	return names
}

func ours(r Reward) bool {
	switch r.(type) {
	case *JSONValid, *JSONStructure, *Answer, *Length, *ImplicitReward:
		return true
	}
	return false
}
