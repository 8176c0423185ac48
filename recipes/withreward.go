package recipes

// WithRewardFile is the recipe with one more reward: a .go file, with weight 1.
func (r *Recipe) WithRewardFile(file string) (*Recipe, error) {
	d := &decoder{tree: parseTree("--reward "+file, []byte("{}"))}
	_ = d
	out := *r
	out.Rewards = append(append([]Reward(nil), r.Rewards...), Reward{File: file, Weight: 1, Timeout: defaultTimeout})
	return &out, nil
}
