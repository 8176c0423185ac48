package algos

import "github.com/burnish-rl/burnish/algos/loss"

var sft = Info{
	Name: "sft",
	Doc:  "supervised fine-tuning on the tasks' demonstrations: the negative log-likelihood of their tokens",
	New:  func() Options { return &SFT{Reduce: "token_mean"} },
}

// SFT trains on demonstrations: on their tokens alone, or with the prompt's.
//
//	L = -Σ_t w_t·logp_t,   w from Reduce
type SFT struct {
	TrainPrompt bool   `yaml:"train_prompt"` // train the prompt's tokens too, as in pretraining; default false
	Reduce      string `yaml:"reduce"`       // what a token weighs: token_mean 1/N, sequence_mean 1/(B·T), sequence_sum 1/B, constant 1/(B·max_tokens)
}

// Validate checks the options.
func (a *SFT) Validate() error {
	_, err := reduction(a.Reduce)
	return err
}

// Needs says that SFT wants demonstrations: no rollouts, no rewards.
func (a *SFT) Needs() Needs {
	return Needs{Demonstrations: true, PromptTokens: a.TrainPrompt, Linear: true}
}

// Advantages is nil: demonstrations are not compared.
func (a *SFT) Advantages([]Group) ([][]float64, error) { return nil, nil }

// Objective is [loss.NLL].
func (a *SFT) Objective() loss.Objective { return loss.NLL() }

// Reduction is the token weights named by Reduce; call Validate first.
func (a *SFT) Reduction() loss.Reduction { r, _ := reduction(a.Reduce); return r }
