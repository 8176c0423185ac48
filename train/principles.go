package train

import "github.com/burnish-rl/burnish/train/rollout"

// underPrinciples puts each task of the step under every principle, in units of as many prompts.
func (t *Trainer) underPrinciples(prompts []rollout.Prompt) ([]rollout.Prompt, error) {
	var all []rollout.Prompt
	for _, p := range prompts {
		under, err := rollout.Under(t.Model, p, t.Labels.Principles)
		if err != nil {
			return nil, err
		}
		all = append(all, under...)
	}
	return all, nil
}
