package train

import (
	"fmt"

	"github.com/burnish-rl/burnish/algos"
)

// notYet refuses what an algorithm needs and the loop does not provide. This is the one list of such needs: a line goes
// when the loop has what it names.
func notYet(n algos.Needs) error {
	for _, need := range []struct {
		asked bool
		what  string
	}{
		{n.GreedyCompletion, "a greedy completion of each prompt"},
		{n.RewardParts, "the parts of a reward"},
		{n.TokenStatistics, "log-probs and squared probabilities beside the rewards"},
		{n.TokenAdvantages, "advantages that differ within an answer"},
	} {
		if need.asked {
			return fmt.Errorf("train: this algorithm needs %s: not in this version", need.what)
		}
	}
	return nil
}
