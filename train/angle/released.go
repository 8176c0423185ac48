package angle

import "math"

// Released is the ranking metric of the authors' code (github.com/wangqinsi1/GAINRL, data_processor.py), for comparing
// rankings. It masks the matrix of cosines to columns j <= i+1, diagonal and zeros staying in the means, and both of its
// slices take rows over all T columns, so it is neither intra nor inter:
//
//	metric = mean(row_i, 2p <= i < T-2s)/T + 8·mean(row_i, p <= i < min(2p, T-s))/T,   row_i = Σ_{j<=i+1} u_i·u_j
//
// p and s are the lengths of the shared prefix and suffix; the code has 110 and 6 for its one template. An empty first
// slice makes it NaN, as there.
func Released(x []float32, cols int, seg Segments) float64 {
	t, p, s := len(x)/cols, seg.Prefix, seg.Suffix
	rows := make([]float64, t)
	sum, u, next := make([]float64, cols), make([]float32, cols), make([]float32, cols)
	unit(next, x[:cols])
	accumulate(sum, next)
	for i := range rows { // sum is u_0 + … + u_min(i+1, T-1)
		u, next = next, u
		if i+1 < t {
			unit(next, x[(i+1)*cols:][:cols])
			accumulate(sum, next)
		}
		for k, v := range u {
			rows[i] += float64(v) * sum[k]
		}
	}
	return (mean(rows, 2*p, t-2*s) + 8*mean(rows, p, min(2*p, t-s))) / float64(t)
}

// ReleasedOnline is the signal that the authors' code takes of a whole sequence, completion included, while it trains: the
// mean of the masked matrix of cosines.
//
//	((|Σu|² + T)/2 + Σ_i u_i·u_{i+1}) / (T(T+1)/2 + T - 1)
//
// Theirs leaves cosines that are exactly 0 out of the count; hidden states have none, and finding them takes O(T²·d).
func ReleasedOnline(x []float32, cols int) float64 {
	t := len(x) / cols
	sum, u, before := make([]float64, cols), make([]float32, cols), make([]float32, cols)
	neighbours := 0.0
	for i := range t {
		u, before = before, u
		unit(u, x[i*cols:][:cols])
		accumulate(sum, u)
		if i > 0 {
			for k, v := range u {
				neighbours += float64(v) * float64(before[k])
			}
		}
	}
	total := (dot(sum, sum)+float64(t))/2 + neighbours
	return total / float64(t*(t+1)/2+t-1)
}

// unit writes x/|x|.
func unit(u, x []float32) {
	n := norm(x)
	for k, v := range x {
		u[k] = v / n
	}
}

func accumulate(sum []float64, u []float32) {
	for k, v := range u {
		sum[k] += float64(v)
	}
}

// mean of rows[from:to], NaN when that is empty.
func mean(rows []float64, from, to int) float64 {
	if from >= to {
		return math.NaN()
	}
	sum := 0.0
	for _, v := range rows[from:to] {
		sum += v
	}
	return sum / float64(to-from)
}
