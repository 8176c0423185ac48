package algos

import (
	"fmt"
	"strings"

	"github.com/burnish-rl/burnish/algos/loss"
)

// reductions are the choices of the option reduce.
var reductions = []struct {
	name string
	f    loss.Reduction
}{
	{"token_mean", loss.TokenMean},
	{"sequence_mean", loss.SequenceMean},
	{"sequence_sum", loss.SequenceSum},
	{"constant", loss.Constant},
}

func reduction(name string) (loss.Reduction, error) {
	var names []string
	for _, r := range reductions {
		if r.name == name {
			return r.f, nil
		}
		names = append(names, r.name)
	}
	return nil, fmt.Errorf("reduce is %q, want one of %s", name, strings.Join(names, ", "))
}
