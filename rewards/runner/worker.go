package runner

import (
	"fmt"
	"os"

	"go.yaml.in/yaml/v4"

	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/rewards/runner/serve"
)

// What a parent sets for its worker.
const (
	workerEnv  = "BURNISH_REWARD_WORKER"  // name of the reward to serve
	optionsEnv = "BURNISH_REWARD_OPTIONS" // its options as YAML
)

// Registered is a reward that a user's own main registered. It runs in a child of the same binary: cmd.Main calls
// [IsWorker] and [WorkerMain] before anything else. The options travel as YAML.
func Registered(name string, options rewards.Options, c Config) (*Runner, error) {
	if _, ok := rewards.Lookup(name); !ok {
		return nil, fmt.Errorf("reward %s: not registered", name)
	}
	if err := options.Validate(); err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(options)
	if err != nil {
		return nil, fmt.Errorf("reward %s: options: %w", name, err)
	}
	self, err := ownBinary()
	if err != nil {
		return nil, fmt.Errorf("reward %s: %w", name, err)
	}
	return newRunner(name, c, []string{self}, []string{workerEnv + "=" + name, optionsEnv + "=" + string(text)})
}

// IsWorker says whether this process was started to serve a reward.
func IsWorker() bool { return os.Getenv(workerEnv) != "" }

// WorkerMain serves the reward until the parent is done and returns the exit status. It must come after the calls of
// rewards.Register and before anything that prints or starts work.
func WorkerMain() int {
	name, options := os.Getenv(workerEnv), os.Getenv(optionsEnv)
	// A program that the reward starts is no worker.
	_ = os.Unsetenv(workerEnv)
	_ = os.Unsetenv(optionsEnv)
	info, ok := rewards.Lookup(name)
	if !ok {
		return refuse("reward %s: not registered in the worker, want rewards.Register before cmd.Main", name)
	}
	r := info.New()
	if err := yaml.Unmarshal([]byte(options), r); err != nil {
		return refuse("reward %s: options: %v", name, err)
	}
	if err := r.Validate(); err != nil {
		return refuse("%v", err)
	}
	return serve.Main(r.Score)
}

func refuse(format string, args ...any) int {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	return 1
}
