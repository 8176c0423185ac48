// Package algos is the mathematics of learning: plain vectors in and out. It knows no model, no file, no text and no
// device. An algorithm is a set of choices (objective, advantage, reduction) in a file of its own, and a line in the
// table of registry.go; the loop in package train is blind to which one runs.
package algos

import "github.com/burnish-rl/burnish/algos/loss"

// Needs is what an algorithm asks the loop to provide. The loop computes exactly that, and the memory plan reads it.
type Needs struct {
	Demonstrations bool // trains on the tasks' demonstrations (SFT); no rollouts, no rewards
	PromptTokens   bool // with Demonstrations: the prompt is trained too, but for its first token
	Reference      bool // log-probs under the policy as it stood when the stage began
	Linear         bool // the loss is linear in the policy's log-probs, so its gradient is known before they are

	RowNorms  []string // kinds of squared gradient norms of every sample, as package policy names them, or ExactNorm; asked each step
	GradStats bool     // the norms of the prompt groups' gradients, for a [Pacer]
}

// Group is the scored samples of one prompt. A NaN reward is missing: it leaves the mean, the deviation and every
// denominator, and its advantage is 0.
type Group struct {
	Rewards []float64 // [G]
	Lengths []int     // [G], trained tokens

	Norms map[string][]float64 // [G] by each kind of Needs.RowNorms; NaN where the reward is missing
}

// Algorithm is one way to learn.
type Algorithm interface {
	Validate() error
	Needs() Needs
	// Advantages gives one advantage a sample, [groups][G]; nil under SFT.
	Advantages(groups []Group) ([][]float64, error)
	// Objective is the unreduced token loss.
	Objective() loss.Objective
	// Reduction makes the token weights, once a step, before any micro-batch.
	Reduction() loss.Reduction
}
