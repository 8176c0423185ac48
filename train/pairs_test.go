package train

import (
	"fmt"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/rewards"
)

// labelledTasks are tasks with everything that somebody may say of answers.
type labelledTasks struct{ envs.Env }

func (e labelledTasks) Task(i int) (envs.Task, error) {
	t, err := e.Env.Task(i)
	t.Pair = envs.Pair{Chosen: t.Demonstration, Rejected: fmt.Sprintf("The answer is %d.", i%13)}
	t.Label = envs.Desirable
	if i%2 == 1 {
		t.Label, t.Demonstration = envs.Undesirable, t.Pair.Rejected
	}
	t.Answers = []string{t.Pair.Chosen, t.Pair.Rejected}
	return t, err
}

// withLabels changes a config to labelled answers, the tasks' own or from rollouts.
func withLabels(rollouts bool) func(*Config) {
	return func(c *Config) {
		c.Labels = Labels{Rollouts: rollouts, Gap: 0.01, Threshold: 0.9, Principles: []string{"JSON.", "Prose."}}
		if !rollouts {
			c.Env, c.Rewards, c.Samples = labelledTasks{c.Env}, nil, 1
			if c.Eval.Env != nil {
				c.Eval.Env = labelledTasks{c.Eval.Env}
			}
			return
		}
		c.Rewards.List = []rewards.Weighted{{Name: "f", Weight: 1, Reward: scorer(lengthAndPlace)}}
		if c.Algo.Needs().Principles {
			c.Rewards, c.Samples = nil, 1
		}
	}
}

// preferring changes a config to an algorithm of labelled answers.
func preferring(kind string, rollouts bool) func(*Config) {
	return func(c *Config) {
		c.Algo = algorithm(kind)
		withLabels(rollouts)(c)
	}
}
