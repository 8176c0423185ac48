package train

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/policy/adapter"
	"github.com/burnish-rl/burnish/train/optim"
)

type noTasks struct{}

func (noTasks) Task(int) (envs.Task, error) { return envs.Task{}, nil }
func (noTasks) Len() int                    { return 0 }

// TestConfigErrors: what can't be run is refused before a folder is made.
func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		want  string
		spoil func(*Config)
	}{
		{"no model was given", func(c *Config) { c.Model = nil }},
		{"no env was given", func(c *Config) { c.Env = nil }},
		{"no sampler was given", func(c *Config) { c.Sampler = nil }},
		{"no algorithm was given", func(c *Config) { c.Algo = nil }},
		{"no optimizer was given", func(c *Config) { c.Optim = nil }},
		{"no schedule was given", func(c *Config) { c.Schedule = nil }},
		{"no run folder was given", func(c *Config) { c.Dir = "" }},
		{"0 steps", func(c *Config) { c.Steps = 0 }},
		{"0 prompts a step", func(c *Config) { c.Prompts = 0 }},
		{"0 samples", func(c *Config) { c.Samples = 0 }},
		{"1 sample a prompt", func(c *Config) { c.Samples = 1 }},
		{"no rewards", func(c *Config) { c.Rewards = nil }},
		{"needs the reference policy", withKL},
		{"micro-batches of 0", func(c *Config) { c.MicroBatchTokens = 0 }},
		{"checkpoint_keep 0", func(c *Config) { c.CheckpointKeep = 0 }},
		{"learning rate NaN", func(c *Config) { c.Rate = math.NaN() }},
		{"clip -1", func(c *Config) { c.Clip = -1 }},
		{"clip_low is 2", func(c *Config) { c.Algo.(*algos.OnPolicy).ClipLow = 2 }},
		{"beta1", func(c *Config) { c.Optim.(*optim.AdamW).Beta1 = 1 }},
		{"max_tokens 0", func(c *Config) { c.Decoding.MaxTokens = 0 }},
		{"temperature -1", func(c *Config) { c.Decoding.Temperature = -1 }},
		{"the environment has no tasks", func(c *Config) { c.Env = noTasks{} }},
		{"dropout", func(c *Config) {
			if err := c.Model.AttachLoRA(adapter.LoRA{Rank: 1, Alpha: 1, Targets: []string{adapter.AllLinear}, Dropout: 0.1}, 1); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		config := setup{}.config(t, dir)
		c.spoil(&config)
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: the folder was made all the same", c.want)
		}
	}
}
