package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/burnish-rl/burnish/recipes/resolve"
	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/run"
)

// Cost is what a token takes, measured on one run that had the machine for itself. A run's seconds are its counts times
// these, so that runs which shared a machine can be compared:
//
//	seconds = Rollout·(rows decoded) + Learn·(rows learnt from) + Ranking·(rows ranked)
type Cost struct {
	Rollout    float64 `json:"rollout"` // seconds a row of the decoder while sampling
	Learn      float64 `json:"learn"`   // everything else of a step, but for evaluations and checkpoints, a row learnt from
	Ranking    float64 `json:"ranking"`
	Steps      int     `json:"steps"`       // that the medians are over
	OtherCores Num     `json:"other_cores"` // that other processes kept busy meanwhile, null when it isn't known
}

// costs are those of an experiment's folder, by arm and stage.
type costs map[string]map[string]Cost

const costsFile = "costs.json"

// Time measures the costs of every arm: some steps of its first seed, one arm after the other, after a first step that
// doesn't count. Call it when the runs are over: settings may be made of them. quiet begins to watch what else the machine
// does, and the function it returns says how many cores that took.
func (d *Design) Time(ctx context.Context, o Options, steps int, quiet func() func() float64) error {
	r := &runner{Design: d, Options: o}
	all := costs{}
	for _, a := range d.Arms {
		all[a.Name] = map[string]Cost{}
		for i, s := range d.Stages {
			end := quiet()
			c, err := r.time(ctx, job{a, d.Seeds[0]}, i, steps)
			if err != nil {
				return fmt.Errorf("timing %s: %w", a.Name, err)
			}
			c.OtherCores = Num(end())
			all[a.Name][s.Name] = c
		}
	}
	data, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return run.Replace(filepath.Join(o.Dir, costsFile), append(data, '\n'))
}

func readCosts(dir string) (c costs, err error) {
	data, err := os.ReadFile(filepath.Join(dir, costsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	return c, err
}

// time runs some steps of a stage in a folder of its own, from the recipe's own weights.
func (r *runner) time(ctx context.Context, j job, i, steps int) (c Cost, err error) {
	s := r.Stages[i]
	f := &found{runner: r, job: j}
	overrides, _ := j.arm.overrides(s.Name, false, f)
	if f.err != nil {
		return c, f.err
	}
	recipe, err := r.load(s, append(overrides, "train.eval_limit=0", "train.checkpoint_every=0"), j.seed)
	if err != nil {
		return c, err
	}
	backend, err := r.Backend(recipe.Model.Precision)
	if err != nil {
		return c, err
	}
	opened, err := resolve.Open(ctx, recipe, resolve.Options{Backend: backend})
	if err != nil {
		return c, err
	}
	defer opened.Close()
	dir, err := os.MkdirTemp("", "burnish-sweep-")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(dir)
	opened.In(filepath.Join(dir, "run"), false)
	opened.Config.StopAfter = steps + 1
	trainer, err := train.New(opened.Config)
	if err != nil {
		return c, err
	}
	if err := errors.Join(trainer.Run(ctx, ctx), trainer.Close()); err != nil {
		return c, err
	}
	h, err := readHistory(filepath.Join(dir, "run"), StageEnd{}, nil)
	if err != nil {
		return c, err
	}
	return h.cost(), nil
}

// cost is what the steps after the first took a token, as medians.
func (h history) cost() Cost {
	var rollout, learn []float64
	c := Cost{}
	for i, l := range h.lines {
		if n := l["sampler/ranking_tokens"]; n > 0 {
			c.Ranking = l["seconds/ranking"] / n
		}
		if i == 0 {
			continue
		}
		rest := l["seconds/step"] - l["seconds/rollout"]
		if n := l["tokens_computed/rollout"]; n > 0 {
			rollout = append(rollout, l["seconds/rollout"]/n)
		}
		if n := l["tokens_computed"]; n > 0 {
			learn = append(learn, rest/n)
		}
		c.Steps++
	}
	c.Rollout, c.Learn = median(rollout), median(learn)
	return c
}

// median is 0 for no values: a run that samples nothing pays nothing for it.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
