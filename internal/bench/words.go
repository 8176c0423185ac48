package bench

// words are n token ids, others for every i. They lie where every vocabulary has plain text; what they say doesn't
// matter to the speed.
func words(i, n int) []int32 {
	const from, to = 64, 320
	ids := make([]int32, n)
	state := uint32(i)*2654435761 + 1
	for k := range ids {
		state = state*1664525 + 1013904223 // Numerical Recipes' generator
		ids[k] = int32(from + state>>16%(to-from))
	}
	return ids
}
