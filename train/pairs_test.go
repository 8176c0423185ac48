package train

import (
	"fmt"
	"testing"

	"github.com/burnish-rl/burnish/envs"
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
	t.Principles, t.Answers = []string{"JSON.", "Prose."}, []string{t.Pair.Chosen, t.Pair.Rejected}
	return t, err
}

// withLabels changes a config to labelled answers, the tasks' own or from rollouts.
func withLabels(t testing.TB, rollouts bool) func(*Config) {
	return func(c *Config) {
		if !rollouts {
			c.Env, c.Rewards, c.Samples = labelledTasks{c.Env}, nil, 1
			return
		}
		byFunction(t, c, lengthAndPlace)
		c.Labels = Labels{Rollouts: true, Gap: 0.01, Threshold: 0.9, Principles: []string{"JSON.", "Prose."}}
		if c.Algo.Needs().Principles {
			c.Rewards, c.Samples = nil, 1
		}
	}
}
