package loss

// Totals are counts of the whole optimizer step, whatever its micro-batches.
type Totals struct {
	Sequences int // B: sequences that count; those whose reward is missing are not among them
	Tokens    int // N: trained tokens of those sequences
	MaxTokens int // L_max: the largest length a completion may have, a constant of the run
}

// Reduction makes the token weights of one optimizer step, once, before its first micro-batch: [N], sequences in
// order. lengths are the trained tokens T_i of each sequence. A sequence of length 0 gets no weight but counts in B.
// Because the divisors belong to the step, cutting it into micro-batches changes no weight.
type Reduction func(lengths []int, step Totals) []float64

// TokenMean weighs every token 1/N: long answers weigh more. The loss of DAPO, and of plain supervised training.
func TokenMean(lengths []int, step Totals) []float64 {
	return spread(lengths, func(int) float64 { return 1 / atLeastOne(step.Tokens) })
}

// SequenceMean weighs every token 1/(B·T_i): each answer counts the same. The loss of GRPO.
func SequenceMean(lengths []int, step Totals) []float64 {
	return spread(lengths, func(t int) float64 { return 1 / (atLeastOne(step.Sequences) * float64(t)) })
}

// SequenceSum weighs every token 1/B: the likelihood of whole sequences.
func SequenceSum(lengths []int, step Totals) []float64 {
	return spread(lengths, func(int) float64 { return 1 / atLeastOne(step.Sequences) })
}

// Constant weighs every token 1/(B·L_max): no length is favoured. The loss of Dr. GRPO.
func Constant(lengths []int, step Totals) []float64 {
	return spread(lengths, func(int) float64 { return 1 / (atLeastOne(step.Sequences) * atLeastOne(step.MaxTokens)) })
}

func spread(lengths []int, weight func(t int) float64) []float64 {
	var out []float64
	for _, t := range lengths {
		if t == 0 {
			continue
		}
		w := weight(t)
		for range t {
			out = append(out, w)
		}
	}
	return out
}

func atLeastOne(n int) float64 { return float64(max(n, 1)) }
