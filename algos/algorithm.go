// Package algos is the mathematics of learning: plain vectors in and out. It knows no model, no file, no text and no
// device. An algorithm is a set of choices (objective, advantage, reduction, KL) by name, and a line in the table of
// registry.go; each choice may be overridden. The loop in package train is blind to which one runs: it provides what
// [Needs] says.
package algos

import "github.com/burnish-rl/burnish/algos/loss"

// Needs is what an algorithm asks the loop to provide. The loop computes exactly that, and the memory plan reads it.
type Needs struct {
	// What is trained on. Without any of these: completions of the policy itself, scored by rewards.
	Demonstrations bool // the tasks' demonstrations (SFT); no rollouts, no rewards
	PromptTokens   bool // with Demonstrations: the prompt is trained too, but for its first token
	Pairs          bool // chosen and rejected answers to a prompt: loss.Inputs.Pairs and Chosen
	Unpaired       bool // single answers with a label: loss.Inputs.Desirable
	Principles     bool // every answer under every principle: loss.Inputs.Grid

	// What the loss expression is given besides log-probs.
	Reference  bool // log-probs under the policy as it stood when the stage began: loss.Inputs.Ref
	SyncRef    int  // with Reference: the reference becomes the policy after every so many steps; 0 is never
	Entropy    bool // the policy's entropy at each token, and the way back for its gradient: loss.Inputs.Entropy, Output.DEntropy
	SumP2      bool // Σ_v p_v² at each token: loss.Inputs.SumP2
	Mismatched bool // log-ratios of answers under other prompts, for the whole step: loss.Inputs.Mismatched

	// What is known before the first micro-batch.
	Factor          bool // the algorithm is a [Factorer]: its multipliers go into loss.Inputs.Factor
	StepEntropy     bool // Step.Entropy, the policy's own before the update
	StepLogProbs    bool // Step.LogP, the same
	RolloutLogProbs bool // Step.Sampled, the sampler's, kept apart from the trainer's Old

	// What the estimators are given besides rewards.
	RewardKL         bool // Group.K1; with it the reference is scored before the advantages
	GreedyCompletion bool // Group.Greedy: one more completion a prompt, scored
	RewardParts      bool // Group.Parts and Weights
	TokenStatistics  bool // Group.LogP and SumP2, under the policy that sampled
	TokenAdvantages  bool // the algorithm is a [TokenEstimator]: advantages differ within an answer

	// Rounds of sampling a step at most. In each, prompts whose samples are all scored alike are dropped, and in the next
	// others are drawn in their place. 0: one round, and every prompt stays.
	Rounds int

	Linear        bool          // the loss is linear in the policy's log-probs, so its gradient is known before they are
	EntropyLinear bool          // the same of the entropy, with Entropy
	Coupled       loss.Coupling // what the cut into micro-batches must leave whole

	RowNorms  []string // kinds of squared gradient norms of every sample, as package policy names them, or ExactNorm: Group.Norms; asked each step
	GradStats bool     // the norms of the prompt groups' gradients, for a [Pacer]
}

// Labelled says that what is trained on are answers that somebody labelled, or compared: no advantages.
func (n Needs) Labelled() bool { return n.Pairs || n.Unpaired || n.Principles }

// Group is the scored samples of one prompt. A NaN reward is missing: it leaves the mean, the deviation and every
// denominator, and its advantage is 0. Rewards and Lengths are always there; the rest is there when [Needs] asks.
type Group struct {
	Rewards   []float64 // [G]
	Lengths   []int     // [G], trained tokens
	MaxTokens int       // the largest length a completion may have

	Norms map[string][]float64 // [G] by each kind of Needs.RowNorms; NaN where the reward is missing

	K1      [][]float64 // [G][T], old - ref of each token
	Greedy  float64     // reward of the greedy completion, NaN when missing
	Parts   [][]float64 // [parts][G], the reward's parts before their weights
	Weights []float64   // [parts]
	LogP    [][]float64 // [G][T]
	SumP2   [][]float64 // [G][T]
}

// Step is what multipliers are made from: all that one update learns from, vectors [N] over its trained tokens,
// sequences in order.
type Step struct {
	Lengths   []int     // [B]
	Advantage []float64 // [B]
	Old       []float64 // log-probs under the policy before the first update from these samples
	Sampled   []float64 // the sampler's log-probs, NaN where unknown
	LogP      []float64 // the policy's log-probs now
	Entropy   []float64 // the policy's entropy now, nats
}

// Algorithm is one way to learn.
type Algorithm interface {
	Validate() error
	Needs() Needs
	// Advantages gives one advantage a sample, [groups][G]; nil without rewards.
	Advantages(groups []Group) ([][]float64, error)
	// Objective is the unreduced token loss.
	Objective() loss.Objective
	// Reduction makes the token weights, once a step, before any micro-batch.
	Reduction() loss.Reduction
}

// TokenEstimator is an algorithm whose advantages differ within an answer, [groups][G][T]. The loop calls it in place
// of Advantages when Needs.TokenAdvantages says so.
type TokenEstimator interface {
	TokenAdvantages(groups []Group) ([][][]float64, error)
}

// Factorer is an algorithm that multiplies the policy's term of each token, [N]: by importance weights or a mask. The
// loop calls it once an update when Needs.Factor says so.
type Factorer interface {
	Factor(s Step) ([]float64, error)
}
