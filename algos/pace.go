package algos

// ExactNorm, among the kinds of Needs.RowNorms, is the one that is exact for what the model trains: lora beside an adapter,
// else ghost.
const ExactNorm = "exact"

// GradNorms are norms of the gradients of a step's prompt groups, before clipping, on a scale where the groups' gradients
// add up to the step's.
type GradNorms struct {
	Groups  int     // K, those that teach nothing included
	Squares float64 // Σ_k |g_k|²
	Sum     float64 // |Σ_k g_k|²
	Plain   float64 // |Σ_k g_k|² in the plain metric
	Adam    bool    // Squares and Sum are measured as Adam's step is, Σ d·g² with d of mean 1; else they are plain
}

// Pacer is an algorithm that has a factor on the learning rate. An algorithm that remembers anything also implements
// encoding.BinaryMarshaler and BinaryUnmarshaler; its memory is part of a checkpoint.
type Pacer interface {
	// Pace takes the step's norms in and gives the factor, in (0, 1].
	Pace(n GradNorms) float64
	// CheckPrompts refuses a number of prompts a step, or warns of it.
	CheckPrompts(n int) (warning string, err error)
}

// Measure is a number that a run logs each step. NaN is unknown.
type Measure struct {
	Name  string
	Value float64
}

// Measurer is an algorithm that has numbers of its own to show.
type Measurer interface {
	// Measures are those of the last step. Notes are what it decided in it.
	Measures() []Measure
	Notes() []string
}
