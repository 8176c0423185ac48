package algos

import (
	"fmt"
	"math"
	"strings"

	"github.com/burnish-rl/burnish/algos/loss"
)

var sft = Info{
	Name:   "sft",
	Doc:    "supervised fine-tuning on the tasks' demonstrations: their likelihood, or another divergence by implicit reward",
	Source: "implicit reward: Wang et al. 2025, arXiv:2507.00018",
	New:    func() Options { return &SFT{Term: "nll", Beta: 1, Level: "token", Guard: true, Reduce: "token_mean"} },
}

var dft = Info{
	Name:   "dft",
	Doc:    "sft with each token weighted by its own probability: tokens that the policy finds unlikely pull less",
	Source: "Wu et al. 2025, arXiv:2508.05629",
	New:    func() Options { return &SFT{Term: "dft", Beta: 1, Level: "token", Guard: true, Reduce: "token_mean"} },
}

// SFT trains on demonstrations: on their tokens alone, or with the prompt's.
//
//	nll   L = -Σ_t w_t·logp_t,   w from reduce
//	dft   L = -Σ_t w_t·sg(p_t)·logp_t
//	else  L = -Σ_t w_t·φ(u_t)/β,   u_t = β·(logp_t - ref_t), φ of the divergence; the reference is the policy at the stage's start
type SFT struct {
	Term        string  `yaml:"objective"`       // nll, dft, or a divergence between policy and demonstrations: tv, chi2, hellinger, js, forward_kl, reverse_kl
	Beta        float64 `yaml:"beta"`            // divergences: the leash is felt from a log-ratio of 1/beta nats on; > 0
	Level       string  `yaml:"level"`           // divergences: the log-ratio of a token, or the mean over the sequence
	Guard       bool    `yaml:"guard"`           // divergences: go on along a tangent where the weight of a token would explode or turn its sign
	Implicit    bool    `yaml:"implicit_reward"` // also measure what the policy learns to prefer, the log-ratio of the demonstrations to the policy at the stage's start; default false; divergences measure it anyway
	TrainPrompt bool    `yaml:"train_prompt"`    // train the prompt's tokens too, as in pretraining; default false
	Reduce      string  `yaml:"reduce"`          // what a token weighs: token_mean 1/N, sequence_mean 1/(B·T), sequence_sum 1/B, constant 1/(B·max_tokens)
}

// divergences are the choices of objective beside nll and dft.
var divergences = []struct {
	name string
	phi  loss.Divergence
}{
	{"tv", loss.TotalVariation}, {"chi2", loss.ChiSquare}, {"hellinger", loss.Hellinger}, {"js", loss.JensenShannon},
	{"forward_kl", loss.ForwardKL}, {"reverse_kl", loss.ReverseKL},
}

// divergence is the one that is named, nil when none is.
func (a *SFT) divergence() loss.Divergence {
	for _, d := range divergences {
		if d.name == a.Term {
			return d.phi
		}
	}
	return nil
}

// Validate checks the options.
func (a *SFT) Validate() error {
	switch phi := a.divergence(); {
	case phi == nil && a.Term != "nll" && a.Term != "dft":
		names := []string{"nll", "dft"}
		for _, d := range divergences {
			names = append(names, d.name)
		}
		return fmt.Errorf("objective is %q, want one of %s", a.Term, strings.Join(names, ", "))
	case !(a.Beta > 0) || math.IsInf(a.Beta, 0):
		return fmt.Errorf("beta is %v, want a number > 0", a.Beta)
	case a.Level != "token" && a.Level != "sequence":
		return fmt.Errorf("level is %q, want token or sequence", a.Level)
	case phi == nil && (a.Beta != 1 || a.Level != "token" || !a.Guard):
		return fmt.Errorf("beta, level and guard are for divergences, want 1, token and true with objective %s", a.Term)
	}
	_, err := reduction(a.Reduce)
	return err
}

// Needs says that SFT wants demonstrations: no rollouts, no rewards.
func (a *SFT) Needs() Needs {
	n := Needs{
		Demonstrations: true, PromptTokens: a.TrainPrompt, Reference: a.Implicit || a.divergence() != nil,
		Linear: a.Term == "nll" || a.Term == "tv",
	}
	if a.Level == "sequence" {
		n.Coupled = loss.BySequence
	}
	return n
}

// Advantages is nil: demonstrations are not compared.
func (a *SFT) Advantages([]Group) ([][]float64, error) { return nil, nil }

// Objective is [loss.NLL], [loss.DFT] or [loss.Implicit].
func (a *SFT) Objective() loss.Objective {
	phi := a.divergence()
	switch {
	case a.Term == "dft":
		return loss.DFT()
	case phi == nil:
		return loss.NLL()
	case a.Level == "sequence":
		return loss.ImplicitSequence(phi, a.Beta, a.Guard)
	}
	return loss.Implicit(phi, a.Beta, a.Guard)
}

// Reduction is the token weights named by Reduce; call Validate first.
func (a *SFT) Reduction() loss.Reduction { r, _ := reduction(a.Reduce); return r }
