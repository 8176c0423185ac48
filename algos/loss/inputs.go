package loss

import "fmt"

// Inputs are the numbers of one micro-batch. Vectors have the length N of its trained tokens, sequences in order. All
// but LogP and Weights may be nil if the objective does not use them.
type Inputs struct {
	LogP, Old, Ref, Adv []float64
	Weights             []float64 // from a [Reduction]

	Factor  []float64 // multiplies the policy's term under [Multiplied], and no other: entropy masks, importance weights
	Entropy []float64 // of the policy at each token, nats
	SumP2   []float64 // Σ_v p_v² of the policy at each token

	Lengths    []int     // [B], trained tokens of each sequence; they sum to N
	Pairs      [][2]int  // [P], sequences (chosen, rejected); every sequence is in one pair
	Desirable  []bool    // [B], the label of unpaired preferences
	Mismatched []float64 // log-ratio policy to reference, summed, of each answer under another prompt, for the whole step (KTO)
	Grid       int       // C: sequences come in blocks of C·C, answer j under principle i at i·C+j (SAMI)

	Chosen int // trained tokens of chosen answers in the whole step; the divisor of a likelihood term beside a preference loss

	held []float64 // what LogP is held constant at; LogP itself unless a test takes differences
}

// check refuses inputs that don't fit together.
func (in *Inputs) check() error {
	n := len(in.LogP)
	if in.Weights == nil && n > 0 {
		return fmt.Errorf("loss: inputs: no weights for %d tokens", n)
	}
	for _, v := range []struct {
		name   string
		values []float64
	}{{"logp", in.LogP}, {"old", in.Old}, {"ref", in.Ref}, {"adv", in.Adv}, {"weights", in.Weights},
		{"factor", in.Factor}, {"entropy", in.Entropy}, {"sum_p2", in.SumP2}} {
		if v.values != nil && len(v.values) != n {
			return fmt.Errorf("loss: inputs: %s has %d tokens, want %d", v.name, len(v.values), n)
		}
		for i, f := range v.values {
			if bad(f) {
				return fmt.Errorf("loss: inputs: %s of token %d is %v, want a finite number", v.name, i, f)
			}
		}
	}
	for i, f := range in.Mismatched {
		if bad(f) {
			return fmt.Errorf("loss: inputs: mismatched log-ratio %d is %v, want a finite number", i, f)
		}
	}
	if in.Lengths == nil {
		return nil
	}
	return in.checkSequences(n)
}

func (in *Inputs) checkSequences(n int) error {
	sum := 0
	for i, l := range in.Lengths {
		if l < 0 {
			return fmt.Errorf("loss: inputs: sequence %d has length %d, want at least 0", i, l)
		}
		sum += l
	}
	if sum != n {
		return fmt.Errorf("loss: inputs: lengths sum to %d, want the %d tokens", sum, n)
	}
	if in.Desirable != nil && len(in.Desirable) != len(in.Lengths) {
		return fmt.Errorf("loss: inputs: desirable has %d sequences, want %d", len(in.Desirable), len(in.Lengths))
	}
	if in.Grid < 0 || in.Grid > 0 && len(in.Lengths)%(in.Grid*in.Grid) != 0 {
		return fmt.Errorf("loss: inputs: %d sequences in grids of %d by %d, want whole grids", len(in.Lengths), in.Grid, in.Grid)
	}
	if in.Pairs == nil {
		return nil
	}
	paired := make([]bool, len(in.Lengths))
	for i, p := range in.Pairs {
		for _, s := range p {
			switch {
			case s < 0 || s >= len(paired):
				return fmt.Errorf("loss: inputs: pair %d has sequence %d, want one of the %d", i, s, len(paired))
			case paired[s]:
				return fmt.Errorf("loss: inputs: pair %d has sequence %d, which is paired already", i, s)
			case in.Lengths[s] == 0:
				return fmt.Errorf("loss: inputs: pair %d has sequence %d, which has no tokens", i, s)
			}
			paired[s] = true
		}
	}
	if 2*len(in.Pairs) != len(paired) {
		return fmt.Errorf("loss: inputs: %d pairs of %d sequences, want every sequence in one", len(in.Pairs), len(paired))
	}
	return nil
}
