package rewards

import (
	"context"
	"fmt"

	"github.com/burnish-rl/burnish/rewards/jsonscore"
)

var answer = Info{
	Name:   "answer",
	Doc:    "whether the number in the completion's JSON object equals the task's reference",
	Source: "Hu and Wu 2025, arXiv:2512.00319",
	New:    func() Options { return &Answer{Key: jsonscore.AnswerKey} },
}

// Answer is 1 when the completion is a JSON object that has Key exactly once and its number equals the reference within
// 1e-6·max(1, |reference|), else 0. Correctness is gated on validity: a right number in prose or in broken JSON earns
// nothing. A task without a reference that is a number has no score, which is not 0.
type Answer struct {
	Key     string `yaml:"key" doc:"key of the answer at the top level of the object"`
	Lenient bool   `yaml:"lenient" doc:"also take the object out of prose or a code fence, and a number written as a string, such as \"$1,800\""`
}

// Validate wants a key.
func (r *Answer) Validate() error {
	if r.Key == "" {
		return fmt.Errorf("answer: key: found none, want the key of the answer")
	}
	return nil
}

// Score has no parts.
func (r *Answer) Score(ctx context.Context, a Attempt) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	correct, ok := jsonscore.Correct(a.Text, r.Key, a.Task.Reference, r.Lenient)
	switch {
	case a.Task.Reference == "":
		return Result{Missing: "the task has no reference answer"}, nil
	case !ok:
		return Result{Missing: fmt.Sprintf("the reference %.40q is not a number", a.Task.Reference)}, nil
	case correct:
		return Result{Score: 1}, nil
	}
	return Result{}, nil
}
