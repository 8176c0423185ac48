// Package angle measures how much the hidden states of a prompt point the same way: the angle concentration of GAIN-RL.
// Start with [SegmentsOf] and [Measure]; released.go has what the authors' code computes instead.
//
// Source: Wang et al. 2025, "Angles Don't Lie", arXiv:2506.02281. The claim is that the gradient of a matrix is a double
// sum over tokens with |x_i||x_j|cos(x_i, x_j) in it, so prompts whose tokens are aligned teach more. Segments found from
// the data, means over pairs without the diagonal, and the two-vector form of the sums are ours.
package angle

import "math"

// tiny keeps a row of zeros from becoming NaN.
const tiny = 1e-12

// Score is the angle concentration of one prompt.
type Score struct {
	Intra  float64 // mean cosine over pairs of question tokens, in [-1, 1]; 1 of a single token, NaN of none
	Inter  float64 // mean cosine of a question token with a token of the shared prefix, in [-1, 1]; 0 without a prefix
	Tokens int     // M, tokens of the question
}

// Measure gives the score of one prompt from its hidden states x, rows of so many columns.
//
//	u_i = x_i/|x_i|,  s_Q = Σ_{i in Q} u_i,  s_P = Σ_{i in P} u_i
//	intra = (|s_Q|² - Σ_{i in Q} |u_i|²)/(M(M-1)),  inter = s_P·s_Q/(N_P·M)
//
// It takes O(T·d) time and two vectors, where the matrix of cosines would take O(T²·d). Unit vectors are float32, so that
// |u_i|² is 1 to their rounding, or 0 of a row of zeros; sums are float64.
func Measure(x []float32, cols int, seg Segments) Score {
	rows := len(x) / cols
	q, p := make([]float64, cols), make([]float64, cols)
	squares := 0.0
	for i := seg.Skip; i < seg.Prefix; i++ {
		add(p, x[i*cols:][:cols])
	}
	for i := seg.question(); i < rows-seg.Suffix; i++ {
		squares += add(q, x[i*cols:][:cols])
	}
	s := Score{Tokens: max(rows-seg.Suffix-seg.question(), 0)}
	m, np := float64(s.Tokens), float64(seg.Prefix-seg.Skip)
	switch {
	case s.Tokens == 0:
		s.Intra = math.NaN()
	case s.Tokens == 1:
		s.Intra = 1
	default:
		s.Intra = (dot(q, q) - squares) / (m * (m - 1))
	}
	if np > 0 && m > 0 {
		s.Inter = dot(p, q) / (np * m)
	}
	return s
}

// add adds the unit vector u of x to sum and returns |u|².
func add(sum []float64, x []float32) (square float64) {
	n := norm(x)
	for k, v := range x {
		u := float64(v / n)
		sum[k] += u
		square += u * u
	}
	return square
}

// norm is |x|, at least tiny.
func norm(x []float32) float32 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return float32(max(math.Sqrt(sum), tiny))
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for k := range a {
		sum += a[k] * b[k]
	}
	return sum
}
