package rewards

import (
	"context"
	"fmt"

	"github.com/burnish-rl/burnish/rewards/jsonscore"
)

var length = Info{
	Name:   "length",
	Doc:    "whether the completion's length in tokens is in a band",
	Source: "Hu and Wu 2025, arXiv:2512.00319",
	New:    func() Options { return &Length{Lo: 16, Hi: 256, Cap: 512} },
}

// Length is 1 for Lo to Hi tokens, falls to 0 at no tokens and at Cap.
//
//	n/lo                             n < lo
//	1                                lo <= n <= hi
//	max(0, 1 - (n - hi)/(cap - hi))  n > hi
type Length struct {
	Lo  int `yaml:"lo" doc:"tokens; >= 0"`
	Hi  int `yaml:"hi" doc:"tokens; >= lo"`
	Cap int `yaml:"cap" doc:"tokens, no score from here on; > hi"`
}

// Validate checks the order of the bounds.
func (r *Length) Validate() error {
	if err := jsonscore.LengthBand(*r).Validate(); err != nil {
		return fmt.Errorf("length: %w", err)
	}
	return nil
}

// Score counts the end token, as Attempt.Tokens does.
func (r *Length) Score(ctx context.Context, a Attempt) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	return Result{Score: jsonscore.LengthBand(*r).Score(a.Tokens)}, nil
}
