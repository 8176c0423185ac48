package algos

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/algos/loss"
)

// OnPolicy is learning from rewards of the policy's own completions: GRPO and everything near it.
//
//	L = Σ_t w_t·[factor_t·term_t + kl_coef·kl_t - entropy_coef·H_t]
//
// term is objective's, with A from advantage; w is reduce's; kl and factor are off unless asked for. A kind is a
// setting of these.
type OnPolicy struct {
	Term      string `yaml:"objective"` // the policy's term: clip, two_sided, dual_clip, reinforce, gspo, gspo_token, sequence_clip, cispo, sapo, vespo, gmpo, dppo_tv or dro
	Advantage string `yaml:"advantage"` // group, group_biased, centred, none, batch, rloo, rloo_normalized, gpg, opo, reinforce_pp, reinforce_pp_baseline, remax, maxrl, pass_at_k, best_minus_second, gdpo or optimal_token
	Reduce    string `yaml:"reduce"`    // what a token weighs: token_mean 1/N, sequence_mean 1/(B·T), sequence_sum 1/B, constant 1/(B·max_tokens)

	KL     string  `yaml:"kl"`      // estimator of the KL to the policy before training: k1 (reward only), k2, k3, or k3_corrected by the ratio
	KLIn   string  `yaml:"kl_in"`   // where it is paid: loss or reward
	KLCoef float64 `yaml:"kl_coef"` // its weight; >= 0, 0 is off and needs no reference

	SyncRef int `yaml:"sync_ref,omitempty"` // the policy becomes its own reference after every so many steps; >= 0, 0 is never; wants kl_coef

	ClipLow   float64 `yaml:"clip_low,omitempty"`   // the ratio (gmpo: its log; dppo_tv: the probability) is clipped at 1-clip_low; in (0, 1)
	ClipHigh  float64 `yaml:"clip_high,omitempty"`  // and at 1+clip_high; > 0
	Limit     float64 `yaml:"limit,omitempty"`      // two_sided, dual_clip, cispo, dppo_tv: absolute bound of the ratio; > 0
	TauPos    float64 `yaml:"tau_pos,omitempty"`    // sapo: steepness of the gate where the advantage is positive; > 0
	TauNeg    float64 `yaml:"tau_neg,omitempty"`    // sapo: where it is not; > 0
	KPos      float64 `yaml:"k_pos,omitempty"`      // vespo: power of the ratio where the advantage is not negative; > 0
	LambdaPos float64 `yaml:"lambda_pos,omitempty"` // vespo: decay with the ratio there; > 0
	KNeg      float64 `yaml:"k_neg,omitempty"`      // vespo: power where it is negative; > 0
	LambdaNeg float64 `yaml:"lambda_neg,omitempty"` // vespo: decay there; > 0
	Pull      float64 `yaml:"pull,omitempty"`       // dro: weight of the squared distance to the old policy; > 0
	PassK     int     `yaml:"pass_k,omitempty"`     // advantage pass_at_k: the k; 1 to the samples of a prompt

	EntropyCoef     float64 `yaml:"entropy_coef,omitempty"`     // bonus on the policy's entropy, a token weighing what reduce says (TRL: 1/N); >= 0, 0 is off
	TopEntropy      float64 `yaml:"top_entropy,omitempty"`      // only this share of tokens, those of highest entropy, has a policy term; in [0, 1), 0 is off
	Importance      string  `yaml:"importance,omitempty"`       // correction for the sampler's arithmetic: token_truncate, token_mask, sequence_truncate, sequence_mask; empty is off
	ImportanceLimit float64 `yaml:"importance_limit,omitempty"` // its bound; > 0, with importance only
	OffPolicyLimit  float64 `yaml:"off_policy_limit,omitempty"` // drops bad answers that the policy has left by more nats a token; >= 0, 0 is off
	OverlongBuffer  int     `yaml:"overlong_buffer,omitempty"`  // the last so many tokens of max_tokens cost up to 1 of the reward; >= 0, 0 is off
	DynamicSampling int     `yaml:"dynamic_sampling,omitempty"` // prompts whose samples are all scored alike are dropped and others drawn, in at most so many rounds a step; >= 0, 0 is off

	Defaults *OnPolicy `yaml:"-"` // the kind's setting: what another objective leaves unread may stand as it is here; nil under a value of one's own
}

// onPolicy is a kind of OnPolicy: a fresh value a call.
func onPolicy(o OnPolicy) func() Options {
	if o.KL == "" {
		o.KL = "k3"
	}
	if o.KLIn == "" {
		o.KLIn = "loss"
	}
	return func() Options {
		fresh, defaults := o, o
		fresh.Defaults = &defaults
		return &fresh
	}
}

// maxRounds keeps the slots of a step, which key draws, far from their end.
const maxRounds = 1000

// Validate checks the options, and that they make sense together.
func (a *OnPolicy) Validate() error {
	o, err := a.objective()
	if err != nil {
		return err
	}
	if err := o.check(a); err != nil {
		return err
	}
	e, err := a.estimator()
	if err != nil {
		return err
	}
	if _, err := reduction(a.Reduce); err != nil {
		return err
	}
	if err := a.validateKL(); err != nil {
		return err
	}
	if (e.name == "pass_at_k") != (a.PassK > 0) || a.PassK < 0 {
		return fmt.Errorf("pass_k is %d, want at least 1 with advantage pass_at_k, and 0 with any other", a.PassK)
	}
	if a.Needs().TokenAdvantages && o.whole {
		return fmt.Errorf("advantage %s differs within an answer, and objective %s has one ratio for all of it: want gspo_token, or an objective of tokens", e.name, o.name)
	}
	return a.validateFactors()
}

func (a *OnPolicy) validateKL() error {
	if !(a.KLCoef >= 0) || math.IsInf(a.KLCoef, 0) {
		return fmt.Errorf("kl_coef is %v, want a number >= 0", a.KLCoef)
	}
	if err := validateSync(a.SyncRef, a.KLCoef); err != nil {
		return err
	}
	switch a.KLIn {
	case "loss":
		_, err := loss.KLPenalty(a.KL, a.KLCoef)
		return err
	case "reward":
		if a.KL != "k1" {
			return fmt.Errorf("kl is %q, want k1 with kl_in reward: through the advantage only the unbiased k1 has the KL's gradient", a.KL)
		}
		return nil
	}
	return fmt.Errorf("kl_in is %q, want loss or reward", a.KLIn)
}

// validateSync checks sync_ref. The whole policy is taken over, as in the hard update of Gorbatovski et al. 2024,
// arXiv:2404.09656, which is TRL's sync_ref_model with ref_model_mixup_alpha 1.
func validateSync(steps int, klCoef float64) error {
	switch {
	case steps < 0:
		return fmt.Errorf("sync_ref is %d, want at least 0", steps)
	case steps > 0 && klCoef == 0:
		return fmt.Errorf("sync_ref is %d, want it unset without kl_coef: there is no reference", steps)
	}
	return nil
}

func (a *OnPolicy) validateFactors() error {
	kinds := []string{"token_truncate", "token_mask", "sequence_truncate", "sequence_mask"}
	switch {
	case !(a.EntropyCoef >= 0) || math.IsInf(a.EntropyCoef, 0):
		return fmt.Errorf("entropy_coef is %v, want a number >= 0", a.EntropyCoef)
	case !(a.TopEntropy >= 0 && a.TopEntropy < 1):
		return fmt.Errorf("top_entropy is %v, want a number in [0, 1)", a.TopEntropy)
	case a.Importance != "" && !slices.Contains(kinds, a.Importance):
		return fmt.Errorf("importance is %q, want one of %s", a.Importance, strings.Join(kinds, ", "))
	case a.Importance != "" && !(a.ImportanceLimit > 0) || math.IsInf(a.ImportanceLimit, 0):
		return fmt.Errorf("importance_limit is %v, want a number > 0 (3 in TRL, 2 in verl)", a.ImportanceLimit)
	case a.Importance != "" && a.Term == "vespo":
		return fmt.Errorf("importance is %q, want it unset: objective vespo has a weight of its own on each answer, in which it would belong", a.Importance)
	case a.Importance == "" && a.ImportanceLimit != 0:
		return fmt.Errorf("importance_limit is %v, want it unset without importance", a.ImportanceLimit)
	case !(a.OffPolicyLimit >= 0) || math.IsInf(a.OffPolicyLimit, 0):
		return fmt.Errorf("off_policy_limit is %v, want a number >= 0", a.OffPolicyLimit)
	case a.OverlongBuffer < 0:
		return fmt.Errorf("overlong_buffer is %d, want at least 0", a.OverlongBuffer)
	case a.DynamicSampling < 0 || a.DynamicSampling > maxRounds:
		return fmt.Errorf("dynamic_sampling is %d, want 0 to %d rounds", a.DynamicSampling, maxRounds)
	}
	return nil
}

// rewardKL says that the KL to the reference is taken out of the reward.
func (a *OnPolicy) rewardKL() bool { return a.KLCoef > 0 && a.KLIn == "reward" }

// hasFactor says that something multiplies the policy's term.
func (a *OnPolicy) hasFactor() bool {
	return a.TopEntropy > 0 || a.Importance != "" || a.OffPolicyLimit > 0
}

// Needs follows from the choices; call Validate first.
func (a *OnPolicy) Needs() Needs {
	o, _ := a.objective()
	e, _ := a.estimator()
	n := e.needs
	n.Coupled = o.couples
	n.Reference, n.SyncRef = a.KLCoef > 0, a.SyncRef
	n.RewardKL = a.rewardKL()
	n.TokenAdvantages = n.TokenAdvantages || n.RewardKL && e.tokens != nil
	n.Entropy, n.EntropyLinear = a.EntropyCoef > 0, true
	n.Factor = a.hasFactor()
	n.StepEntropy = a.TopEntropy > 0
	n.StepLogProbs = a.OffPolicyLimit > 0
	n.Rounds = a.DynamicSampling
	n.RolloutLogProbs = a.Importance != "" || a.OffPolicyLimit > 0
	return n
}

// Advantages are advantage's, of rewards less the KL and the cost of overlong answers.
func (a *OnPolicy) Advantages(groups []Group) ([][]float64, error) {
	e, err := a.estimator()
	if err != nil {
		return nil, err
	}
	if e.groups == nil {
		return nil, fmt.Errorf("advantage %s gives one for each token", e.name)
	}
	if groups, err = a.shaped(groups); err != nil {
		return nil, err
	}
	return e.groups(a, groups)
}

// TokenAdvantages are those that differ within an answer.
func (a *OnPolicy) TokenAdvantages(groups []Group) ([][][]float64, error) {
	e, err := a.estimator()
	if err != nil {
		return nil, err
	}
	if e.tokens == nil {
		return nil, errors.New("advantage " + e.name + " gives one for each answer")
	}
	if groups, err = a.shaped(groups); err != nil {
		return nil, err
	}
	return e.tokens(a, groups)
}

// Objective is objective's term with what is added to it; call Validate first.
func (a *OnPolicy) Objective() loss.Objective {
	o, err := a.objective()
	if err != nil {
		return nil
	}
	term := o.build(a)
	if a.hasFactor() {
		term = loss.Multiplied(term)
	}
	if a.KLCoef > 0 && a.KLIn == "loss" {
		penalty, err := loss.KLPenalty(a.KL, a.KLCoef)
		if err != nil {
			return nil
		}
		term = loss.Sum(term, penalty)
	}
	if a.EntropyCoef > 0 {
		term = loss.Sum(term, loss.EntropyBonus(a.EntropyCoef))
	}
	return term
}

// Factor is the product of the masks and weights that are on. Under gmpo a token's weight is the geometric mean of its
// answer's, as its ratio is.
func (a *OnPolicy) Factor(s Step) ([]float64, error) {
	out := make([]float64, len(s.Old))
	for i := range out {
		out[i] = 1
	}
	multiply := func(by []float64) {
		for i, v := range by {
			out[i] *= v
		}
	}
	if a.Importance != "" {
		w, err := loss.Importance(a.Importance, s.Old, s.Sampled, s.Lengths, a.ImportanceLimit)
		if err != nil {
			return nil, err
		}
		if a.Term == "gmpo" {
			w = loss.GeometricMean(w, s.Lengths)
		}
		multiply(w)
	}
	if a.TopEntropy > 0 {
		multiply(loss.EntropyMask(s.Entropy, a.TopEntropy))
	}
	if a.OffPolicyLimit > 0 {
		multiply(loss.OffPolicyMask(s.LogP, s.Sampled, s.Advantage, s.Lengths, a.OffPolicyLimit))
	}
	return out, nil
}

// Reduction is the token weights named by reduce; call Validate first.
func (a *OnPolicy) Reduction() loss.Reduction { r, _ := reduction(a.Reduce); return r }
