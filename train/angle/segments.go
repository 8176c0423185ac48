package angle

// Segments say which tokens of every prompt of a set belong to what: rows [Skip, Prefix) are the shared prefix P, then
// comes the question Q, and the last Suffix rows are the shared suffix, such as the tokens that open the answer. The first
// Skip tokens belong to nothing.
type Segments struct{ Skip, Prefix, Suffix int }

const (
	// skipFirst leaves out the first token: an attention sink, whose direction says nothing of the prompt.
	skipFirst = 1
	// leastPrefix is the shortest common start that counts as a shared prompt.
	leastPrefix = 4
)

// SegmentsOf finds the segments of a set of prompts: the longest common start, which is no prefix below 4 tokens, and the
// longest common end of what is left of the shortest prompt.
func SegmentsOf(prompts [][]int32) Segments {
	if len(prompts) == 0 {
		return Segments{}
	}
	first := prompts[0]
	prefix, suffix, shortest := len(first), len(first), len(first)
	for _, p := range prompts[1:] {
		shortest = min(shortest, len(p))
		prefix, suffix = min(prefix, len(p)), min(suffix, len(p))
		for i := range prefix {
			if p[i] != first[i] {
				prefix = i
				break
			}
		}
		for i := range suffix {
			if p[len(p)-1-i] != first[len(first)-1-i] {
				suffix = i
				break
			}
		}
	}
	if prefix < leastPrefix {
		prefix = 0
	}
	return Segments{Skip: min(skipFirst, shortest), Prefix: prefix, Suffix: min(suffix, shortest-prefix)}
}

// question is the first row of Q.
func (s Segments) question() int { return max(s.Skip, s.Prefix) }
