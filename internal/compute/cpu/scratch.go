package cpu

// attendScratch is what one goroutine of an attention call works in. It grows to the largest call and is kept.
type attendScratch struct {
	q       []float32 // [M, D] queries of a tile, scaled
	s       []float32 // [M, ld] scores, then e^(score-max), and in the gradient p
	out     []float32 // [M, Dp] Σ s·v
	inv     []float32 // [M] 1/Σ s
	tables  [][]int32 // [rows] the pages each row sees
	n       []int32   // [rows] how many positions of them
	dout    []float32 // [M, D] gradients of a tile's outputs
	ds      []float32 // [M, ld] gradient of the scores
	dq      []float32 // [M, Dp]
	qPanel  []float32 // [Dp/16, M, 16] q, packed as a right-hand side
	doPanel []float32 // [Dp/16, M, 16] dout, packed as a right-hand side
	dk, dv  []float32 // [positions, Dp] gradients of the keys and values one segment sees
}

func (b *Backend) getScratch() *attendScratch {
	if s, ok := b.spare.Get().(*attendScratch); ok {
		return s
	}
	return &attendScratch{}
}

func (b *Backend) putScratch(s *attendScratch) { b.spare.Put(s) }

// grown is x with length n and unknown contents.
func grown(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n, n+n/4)
	}
	return x[:n]
}

// zeroed is x with length n and zeros.
func zeroed(x []float32, n int) []float32 {
	x = grown(x, n)
	clear(x)
	return x
}
