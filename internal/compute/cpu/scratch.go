package cpu

// attendScratch is what one worker of an attention call, or one tile of its gradient, works in. It grows to the largest
// call and is kept.
type attendScratch struct {
	q       []float32 // [M, D] queries of a tile, scaled
	s       []float32 // [M, ld] scores, then e^(score-max), and in the gradient p
	out     []float32 // [M, Dp] Σ s·v
	inv     []float32 // [M] 1/Σ s
	tables  [][]int32 // [rows] the pages each row sees
	n       []int32   // [rows] how many positions of them
	wide    []float32 // pages or rows of bf16 numbers in float32
	dout    []float32 // [M, D] gradients of a tile's outputs
	ds      []float32 // [M, ld] gradient of the scores
	dq      []float32 // [M, Dp]
	qPanel  []float32 // [Dp/16, M, 16] q, packed as a right-hand side
	doPanel []float32 // [Dp/16, M, 16] dout, packed as a right-hand side
	ld      int
}

// grown is x with length n and unknown content; x came from here or is nil. Its memory is the backend's.
func (b *Backend) grown(x []float32, n int) []float32 {
	if cap(x) >= n {
		return x[:n]
	}
	if cap(x) > 0 {
		b.free.put(x[:cap(x)])
	}
	block, _ := b.free.take(n + n/8)
	return block[:n]
}
