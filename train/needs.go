package train

import (
	"fmt"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/algos/loss"
)

// notYet refuses what an algorithm needs and the loop does not provide. This is the one list of such needs: a line goes
// when the loop has what it names.
func notYet(n algos.Needs) error {
	for _, need := range []struct {
		asked bool
		what  string
	}{
		{n.Entropy, "the entropy in the loss (entropy_coef)"},
		{n.SumP2, "the sum of squared probabilities in the loss"},
		{n.StepEntropy, "the entropy of the whole step before it learns (top_entropy)"},
		{n.StepLogProbs, "the policy's log-probs of the whole step before it learns (off_policy_limit)"},
		{n.RolloutLogProbs, "the sampler's log-probs apart from the trainer's (importance): here they have the same bits"},
		{n.Factor, "multipliers of the policy's term"},
		{n.GreedyCompletion, "a greedy completion of each prompt"},
		{n.RewardParts, "the parts of a reward"},
		{n.TokenStatistics, "log-probs and squared probabilities beside the rewards"},
		{n.TokenAdvantages, "advantages that differ within an answer"},
		{n.Coupled == loss.ByBatch, "a loss that compares all answers of a step"},
	} {
		if need.asked {
			return fmt.Errorf("train: this algorithm needs %s: not in this version", need.what)
		}
	}
	return nil
}
