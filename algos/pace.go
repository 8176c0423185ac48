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

// Opener is implemented by the options of an algorithm that remembers: what a run uses is what Open gives, as it stands
// before the first step. It implements encoding.BinaryMarshaler and BinaryUnmarshaler, and is part of a checkpoint.
type Opener interface{ Open() Algorithm }

// PromptChecker refuses a number of prompts a step, or warns of it.
type PromptChecker interface {
	CheckPrompts(n int) (warning string, err error)
}

// Pacer is an algorithm that has a factor on the learning rate.
type Pacer interface {
	// Pace takes the step's norms in and gives the factor, in (0, 1].
	Pace(n GradNorms) float64
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
