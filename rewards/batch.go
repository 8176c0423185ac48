package rewards

import (
	"context"
	"fmt"
)

// BatchReward scores many attempts in one call, where that is cheaper than one by one. Results are in their order, each
// the one that Score gives.
type BatchReward interface {
	Reward
	ScoreBatch(ctx context.Context, as []Attempt) ([]Result, error)
}

// scoredAhead has what the batch rewards of a list said, by their place in it.
type scoredAhead map[int][]Result

// ahead asks the batch rewards about all attempts. The error of one is that of the run.
func (c *Composite) ahead(ctx context.Context, as []Attempt) (scoredAhead, error) {
	all := scoredAhead{}
	for i, w := range c.List {
		r, ok := w.Reward.(BatchReward)
		if !ok || len(as) == 0 {
			continue
		}
		results, err := r.ScoreBatch(ctx, as)
		if err != nil {
			return nil, fmt.Errorf("reward %s: %w", w.Name, err)
		}
		all[i] = results
	}
	return all, nil
}

type aheadKey struct{}

type aheadOf struct {
	all     scoredAhead
	attempt int
}

// with tells the rewards below ctx what is known of an attempt.
func (s scoredAhead) with(ctx context.Context, attempt int) context.Context {
	if len(s) == 0 {
		return ctx
	}
	return context.WithValue(ctx, aheadKey{}, aheadOf{s, attempt})
}

// known is a reward whose result is there.
type known struct{ result Result }

func (k known) Score(context.Context, Attempt) (Result, error) { return k.result, nil }

// judge is reward i of the list, or what it has said already.
func (c *Composite) judge(ctx context.Context, i int) Reward {
	if a, ok := ctx.Value(aheadKey{}).(aheadOf); ok && a.all[i] != nil {
		return known{a.all[i][a.attempt]}
	}
	return c.List[i].Reward
}
