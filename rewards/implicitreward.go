package rewards

import (
	"context"
	"errors"
	"fmt"
)

var implicitReward = Info{
	Name:   "implicit-reward",
	Doc:    "what training has made a model prefer: β·log(π/π_ref) of the completion under two models",
	Source: "Rafailov et al. 2023, arXiv:2305.18290; for SFT: Wang et al. 2025, arXiv:2507.00018",
	New:    func() Options { return &ImplicitReward{Beta: 1, Normalise: Sum} },
}

// How a completion's tokens add up.
const (
	Sum  = "sum"
	Mean = "mean"
)

// ImplicitReward is the reward that a model is optimal for when training held it near a reference.
//
//	u = β·Σ_t (log π(y_t|x, y_<t) - log π_ref(y_t|x, y_<t))        mean: divided by the number of tokens
//
// The sum ranks answers as a preference model does, and grows with length; the mean doesn't. Log-probs are over the whole
// vocabulary at temperature 1, of the completion's own token ids. Answers of no tokens have 0.
//
// It knows no model: [ImplicitReward.Use] gives it two, those that [ImplicitReward.Models] names.
type ImplicitReward struct {
	Policy    string  `yaml:"policy" doc:"the model whose reward it is: builtin:tiny, a .gguf file, a model folder or a run folder; required"`
	Reference string  `yaml:"reference" doc:"the model that training started from, with the same tokens; empty: the policy with its adapter switched off"`
	Beta      float64 `yaml:"-"` // scale of log-ratios, > 0; 1 in a recipe, where the weight scales
	Normalise string  `yaml:"normalise" doc:"sum over the completion's tokens, or their mean, which doesn't grow with length"`

	pair PairScorer
}

// Sequence is a prompt and the tokens after it.
type Sequence struct{ Prompt, Tokens []int32 }

// PairScorer gives log-probs under two models, for every token after the prompt. Problem says why a sequence has none,
// which is a matter of that sequence; the error is one of the models. It must be safe for concurrent use.
type PairScorer func(ctx context.Context, sequences []Sequence) ([]PairLogProbs, error)

// PairLogProbs is what the models say of a sequence.
type PairLogProbs struct {
	Policy, Reference []float32
	Problem           string
}

// NeedsPair is a reward that asks two models. Whoever opens the reward gives it their scorer.
type NeedsPair interface {
	Options
	Models() (policy, reference string) // an empty reference: the policy with its adapter switched off
	Use(PairScorer)
}

// Models names the two.
func (r *ImplicitReward) Models() (policy, reference string) { return r.Policy, r.Reference }

// Use gives the reward its models.
func (r *ImplicitReward) Use(pair PairScorer) { r.pair = pair }

// Validate checks the options, not that the models are there.
func (r *ImplicitReward) Validate() error {
	switch {
	case r.Policy == "":
		return errors.New("implicit-reward: policy: found none, want a model")
	case r.Policy == r.Reference:
		return fmt.Errorf("implicit-reward: reference: found the policy itself, %q, want the model that its training started from", r.Reference)
	case !(r.Beta > 0) || !finite(r.Beta):
		return fmt.Errorf("implicit-reward: beta: found %v, want a finite number above 0", r.Beta)
	case r.Normalise != Sum && r.Normalise != Mean:
		return fmt.Errorf("implicit-reward: normalise: found %q, want %s or %s", r.Normalise, Sum, Mean)
	}
	return nil
}

// Score asks the models about one attempt.
func (r *ImplicitReward) Score(ctx context.Context, a Attempt) (Result, error) {
	results, err := r.ScoreBatch(ctx, []Attempt{a})
	if err != nil {
		return Result{}, err
	}
	return results[0], nil
}

// ScoreBatch asks them about many, which share the computation of equal prompts.
func (r *ImplicitReward) ScoreBatch(ctx context.Context, as []Attempt) ([]Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.pair == nil {
		return nil, errors.New("implicit-reward: found no models, want Use before Score")
	}
	var sequences []Sequence
	for _, a := range as {
		if len(a.PromptIDs) > 0 {
			sequences = append(sequences, Sequence{a.PromptIDs, a.IDs})
		}
	}
	scored, err := r.pair(ctx, sequences)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(as))
	for i, a := range as {
		if len(a.PromptIDs) == 0 {
			results[i].Missing = "the attempt has no token ids"
			continue
		}
		results[i], scored = r.result(scored[0]), scored[1:]
	}
	return results, nil
}

func (r *ImplicitReward) result(p PairLogProbs) Result {
	if p.Problem != "" {
		return Result{Missing: p.Problem}
	}
	return Result{Score: r.Beta * logRatio(p.Policy, p.Reference, r.Normalise == Mean)}
}

// logRatio adds up log π - log π_ref in float64; 0 of no tokens.
func logRatio(policy, reference []float32, mean bool) float64 {
	sum := 0.0
	for t, l := range policy {
		sum += float64(l) - float64(reference[t])
	}
	if mean && len(policy) > 0 {
		sum /= float64(len(policy))
	}
	return sum
}
