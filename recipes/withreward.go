package recipes

import (
	"fmt"
	"strings"
)

// WithRewardFile is the recipe with one more reward: a .go file, of weight 1.
func (r *Recipe) WithRewardFile(file string) (*Recipe, error) {
	if !strings.HasSuffix(file, ".go") {
		return nil, fmt.Errorf("--reward %s: want a .go file", file)
	}
	out := *r
	out.Rewards = append(append([]Reward(nil), r.Rewards...), Reward{File: file, Weight: Weight{Score: 1}, Timeout: defaultTimeout})
	return &out, nil
}
