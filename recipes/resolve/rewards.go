package resolve

import (
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/rewards/runner"
	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/implicit"
)

// openRewards makes the judges. Our own run in this process; everything else in child processes.
func (r *Run) openRewards(b compute.Backend, log func(string)) (*rewards.Composite, error) {
	var list []rewards.Weighted
	used := map[string]int{}
	for _, w := range r.Recipe.Rewards {
		name, reward, err := r.openReward(w, b, log)
		if err != nil {
			return nil, err
		}
		if used[name]++; used[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, used[name])
		}
		one := rewards.Weighted{Name: name, Weight: w.Weight.Score, Reward: reward}
		for _, part := range slices.Sorted(maps.Keys(w.Weight.Parts)) {
			one.Parts = append(one.Parts, rewards.Term{Name: part, Weight: w.Weight.Parts[part]})
		}
		list = append(list, one)
	}
	return rewards.NewComposite(list)
}

func (r *Run) openReward(w recipes.Reward, b compute.Backend, log func(string)) (string, rewards.Reward, error) {
	if p, ok := w.Options.(rewards.NeedsPair); ok {
		return w.Kind, p, r.openPair(p, b)
	}
	reward, closer, err := Reward(w, b, log)
	if err != nil {
		return "", nil, err
	}
	r.closers = append(r.closers, closer)
	switch {
	case w.Kind != "":
		return w.Kind, reward, nil
	case w.File != "":
		return strings.TrimSuffix(filepath.Base(w.File), ".go"), reward, nil
	}
	return filepath.Base(w.Command[0]), reward, nil
}

// Reward makes one judge: ours in this process, a registered one in a child of the same binary, a .go file or a
// program in a child of its own; models that a reward asks are opened on b. Call close when it is no longer needed.
func Reward(w recipes.Reward, b compute.Backend, log func(string)) (r rewards.Reward, closer func(), err error) {
	if p, ok := w.Options.(rewards.NeedsPair); ok {
		pair, err := givePair(p, b)
		return p, pair.Close, err
	}
	c := runner.Config{Deadline: w.Timeout, Log: log, Children: runtime.GOMAXPROCS(0)}
	var child *runner.Runner
	switch {
	case w.File != "":
		child, err = runner.GoFile(w.File, c)
	case len(w.Command) > 0:
		child, err = runner.Command(w.Command, c)
	case rewards.Builtin(w.Kind):
		return w.Options, func() {}, nil
	default:
		child, err = runner.Registered(w.Kind, w.Options, c)
	}
	if err != nil {
		return nil, nil, err
	}
	return child, func() { child.Close() }, nil
}

// givePair opens the models of a reward that asks a pair.
func givePair(r rewards.NeedsPair, b compute.Backend) (policy.Pair, error) {
	of, against := r.Models()
	pair, err := policy.OpenPair(of, against, b)
	if err != nil {
		return pair, fmt.Errorf("reward: %w", err)
	}
	r.Use(implicit.Scorer(pair))
	return pair, nil
}

// openPair gives a reward its models, which must speak in the policy's tokens, and counts their memory.
func (r *Run) openPair(p rewards.NeedsPair, b compute.Backend) error {
	pair, err := givePair(p, b)
	if err != nil {
		return err
	}
	r.closers = append(r.closers, pair.Close)
	for _, m := range []*policy.Model{pair.Policy, pair.Reference} {
		if m == nil {
			continue
		}
		if _, err := policy.NewPair(r.Config.Model, m); err != nil {
			return fmt.Errorf("reward: %w", err)
		}
		j := train.Judge{Config: m.Config()}
		if m.Adapter() != nil {
			j.Adapter = m.TrainedElements()
		}
		r.judges = append(r.judges, j)
	}
	return nil
}
