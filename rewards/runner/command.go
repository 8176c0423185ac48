package runner

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// Command is a reward that a program computes: argv is its path or name and its arguments. It speaks the protocol of
// package serve on descriptors 3 and 4.
func Command(argv []string, c Config) (*Runner, error) {
	if len(argv) == 0 || argv[0] == "" {
		return nil, fmt.Errorf("reward: command: found none, want a program and its arguments")
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, fmt.Errorf("reward: command: %w", err)
	}
	return newRunner(filepath.Base(argv[0]), c, append([]string{path}, argv[1:]...), nil)
}
