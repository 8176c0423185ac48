package cpu

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// sampling is one call of Sample.
type sampling struct {
	b       *Backend
	z       []float32 // [R, V]
	v       int
	t       float32 // temperature, 1 of a greedy call
	greedy  bool
	ids     []int32
	logp    []float32
	u       []float64
	running [][]float64 // by worker: Σ e after each block of a row
}

// Sample draws a token for each row of logits. The running sum goes over blocks of statsBlock logits, whose sums are
// those of TokenStats, and inside a block from logit to logit.
func (b *Backend) Sample(ids []int32, logp []float32, logits compute.Buf, v int, temperature float32, u []float64) {
	s := &b.sampling
	s.b, s.z, s.v, s.t, s.greedy, s.ids, s.logp, s.u = b, f32(logits), v, temperature, temperature == 0, ids, logp, u
	if s.greedy {
		s.t = 1
	}
	mustHave("sample: logits", len(s.z), len(ids)*v)
	mustHave("sample: log-probs", len(logp), len(ids))
	mustHave("sample: draws", len(u), len(ids))
	if s.running == nil {
		s.running = make([][]float64, b.threads)
	}
	b.spread(len(ids), rowGrain(8*v), s)
	*s = sampling{running: s.running}
}

func (s *sampling) span(worker, lo, hi int) {
	k := s.b.kernel
	for r := lo; r < hi; r++ {
		z := s.z[r*s.v:][:s.v]
		sums := rowSums{most: k.maximum(z), scale: 1 / s.t}
		ends := s.running[worker][:0]
		for from := 0; from < len(z); from += statsBlock {
			k.addBlock(&sums, z[from:min(len(z), from+statsBlock)])
			ends = append(ends, sums.e)
		}
		s.running[worker] = ends
		if s.greedy {
			s.ids[r] = firstAt(z, sums.most)
		} else {
			s.ids[r] = k.drawFrom(z, &sums, ends, s.u[r])
		}
		d := (z[s.ids[r]] - sums.most) * sums.scale
		s.logp[r] = float32(float64(d) - math.Log(sums.e))
	}
}

// firstAt is the first index of a value, 0 if it is nowhere: then the row holds nothing but NaN.
func firstAt(z []float32, value float32) int32 {
	for i, x := range z {
		if x == value {
			return int32(i)
		}
	}
	return 0
}

// drawFrom is the first index whose running sum of e exceeds u·Σe, and the last of weight more than 0 where rounding
// leaves none. Of a row with NaN it is any.
func (k *kernel) drawFrom(z []float32, s *rowSums, ends []float64, u float64) int32 {
	target, before, block := u*s.e, 0.0, 0
	for i, end := range ends {
		start := 0.0
		if i > 0 {
			start = ends[i-1]
		}
		if end == start { // nothing of weight more than 0
			continue
		}
		before, block = start, i
		if end > target {
			break
		}
	}
	from := block * statsBlock
	var weights [statsBlock]float32
	w := weights[:copy(weights[:], z[from:])]
	k.expSum(w, s.most, s.scale)
	last := 0
	for i, x := range w {
		if x == 0 {
			continue
		}
		last = i
		if before += float64(x); before > target {
			break
		}
	}
	return int32(from + last)
}
