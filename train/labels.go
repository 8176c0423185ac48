package train

import (
	"errors"
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/envs/sampler"
)

// Labels says where algorithms of labelled answers have them from.
type Labels struct {
	Rollouts   bool     // completions of the policy itself, drawn and judged anew each step; else answers of the tasks
	Gap        float64  // pairs from rollouts: the least difference of reward between a prompt's best and worst; > 0
	Threshold  float64  // single answers from rollouts: the least reward of a desirable one
	Principles []string // what answers are written under, as system messages; at least 2
}

// Sampled says whether a step begins with completions of the policy.
func (c *Config) Sampled() bool {
	n := c.Algo.Needs()
	return !n.Demonstrations && (!n.Labelled() || c.Labels.Rollouts)
}

// Judged says whether rewards say something of them.
func (c *Config) Judged() bool { return c.Sampled() && !c.Algo.Needs().Principles }

// validateLabels checks where labelled answers come from.
func (c *Config) validateLabels() error {
	n, l := c.Algo.Needs(), c.Labels
	_, ranks := c.Sampler.(sampler.Ranker)
	switch {
	case !n.Labelled():
		return nil
	case n.Mismatched && c.Prompts*c.Samples < 2:
		return errors.New("train: 1 answer a step, want at least 2: each is also scored under another's prompt")
	case n.Principles && ranks:
		return errors.New("train: the sampler ranks prompts, and this algorithm puts each under several principles: want a sampler that doesn't rank")
	case n.Principles && len(l.Principles) < 2:
		return fmt.Errorf("train: %d principles, want at least 2", len(l.Principles))
	case !l.Rollouts:
		return nil
	case n.Pairs && !(l.Gap > 0 && !math.IsInf(l.Gap, 0)):
		return fmt.Errorf("train: the gap between a pair's rewards is %v, want a number > 0", l.Gap)
	case n.Unpaired && (math.IsNaN(l.Threshold) || math.IsInf(l.Threshold, 0)):
		return fmt.Errorf("train: the least reward of a desirable answer is %v, want a number", l.Threshold)
	}
	return nil
}
