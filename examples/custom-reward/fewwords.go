package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/burnish-rl/burnish/rewards"
)

var fewWords = rewards.Info{
	Name: "few-words",
	Doc:  "1 for at most limit words, falling to 0 at twice as many",
	New:  func() rewards.Options { return &FewWords{Limit: 40} },
}

// FewWords is 1 for a completion of at most Limit words and falls to 0 at twice as many.
type FewWords struct {
	Limit int `yaml:"limit" doc:"words; >= 1"`
}

// Validate checks the limit.
func (f *FewWords) Validate() error {
	if f.Limit < 1 {
		return fmt.Errorf("few-words: limit: found %d, want at least 1", f.Limit)
	}
	return nil
}

// Score runs in a child process: it may loop, panic or print without harm to the training run.
func (f *FewWords) Score(_ context.Context, a rewards.Attempt) (rewards.Result, error) {
	over := len(strings.Fields(a.Text)) - f.Limit
	return rewards.Result{Score: min(1, max(0, 1-float64(over)/float64(f.Limit)))}, nil
}
