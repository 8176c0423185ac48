package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// headBytes bounds the logits held at once: 165 rows at a vocabulary of 151,936.
const headBytes = 96 << 20

// HeadChunk is the number of rows whose logits are held at once.
func (c Config) HeadChunk() int {
	return min(max(headBytes/4/c.Vocab, 2), 4096)
}

// headStats computes logits chunk by chunk and keeps only their statistics.   x [rows, H], after the last layer.
func (m *Model) headStats(x compute.Buf, p Packed, temperature float32) compute.Stats {
	var all compute.Stats
	m.eachChunk(x, p.outRuns(), nil, func(from int, runs []int, _, logits compute.Buf) {
		m.addStats(&all, logits, temperature, p.Target[from:from+total(runs)])
	})
	return all
}

// headGrad computes the logits, again unless stats asks for their statistics on the way. It adds the gradient of x [N, H]
// to the rows Out of dx [R, H], and adds to the gradients of the head and its norm. A nil dx leaves it at the head's. u
// says how, and saves the logits where row norms left what was made of them.
func (m *Model) headGrad(dx, x compute.Buf, p Packed, temperature float32, dlogp, dentropy []float32, stats *compute.Stats, u units) {
	hidden := m.cfg.Hidden
	tmp := scratch{b: m.b}
	defer tmp.free()
	most := m.chunkRows(len(p.Out)) * hidden
	dhs, dlasts := tmp.allocUnset(most), tmp.allocUnset(most)
	m.eachChunk(x, p.outRuns(), u.held, func(from int, runs []int, h, logits compute.Buf) {
		to := from + total(runs)
		var de []float32
		if dentropy != nil {
			de = dentropy[from:to]
		}
		if stats != nil {
			m.addStats(stats, logits, temperature, p.Target[from:to])
		}
		n := (to - from) * hidden
		dh, dlast := m.b.Slice(dhs, 0, n), m.b.Slice(dlasts, 0, n)
		switch {
		case !u.on:
			m.b.TokenStatsGrad(logits, m.cfg.Vocab, temperature, p.Target[from:to], dlogp[from:to], de)
		default:
			if u.held == nil {
				m.b.TokenStatsGrad(logits, m.cfg.Vocab, temperature, p.Target[from:to], onesOf(to-from), nil)
			}
			m.scaleRows(logits, m.cfg.Vocab, dlogp[from:to])
		}
		if m.head.Grad != nil {
			m.b.MatMulGradW(m.head.grad(), logits, h, runs)
		}
		if dx == nil {
			return
		}
		m.b.MatMulGradX(dh, logits, m.head.weight(), to-from, false)
		m.b.Zero(dlast)
		m.b.RMSNormGrad(dlast, m.norm.Grad, dh, m.b.Slice(x, from*hidden, to*hidden), m.norm.Data, to-from, m.cfg.NormEps)
		m.b.GatherAdd(dx, dlast, p.Out[from:to], hidden) // not AddPicked: Out may repeat a row
	})
}

// units is a way to make the gradient at the logits: that of a log-prob alone, times dL/dlogp. Row norms need the first
// and can leave it for the update; one that computes it again does the same, so that no bit depends on it. The gradient
// of an entropy has no such form.
type units struct {
	on   bool
	held compute.Buf // [N, V], used up; nil: computed again
}

func onesOf(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// scaleRows multiplies each row of x, width long, by its factor.
func (m *Model) scaleRows(x compute.Buf, width int, by []float32) {
	for from := 0; from < len(by); {
		to := from + 1
		for to < len(by) && by[to] == by[from] {
			to++
		}
		m.b.Scale(m.b.Slice(x, from*width, to*width), by[from])
		from = to
	}
}

// addStats appends the statistics of a chunk.
func (m *Model) addStats(all *compute.Stats, logits compute.Buf, temperature float32, target []int32) {
	s := m.b.TokenStats(logits, m.cfg.Vocab, temperature, target)
	all.LogP = append(all.LogP, s.LogP...)
	all.Entropy = append(all.Entropy, s.Entropy...)
	all.SumP2 = append(all.SumP2, s.SumP2...)
}

// chunkRows is how many of n rows have their logits held at once.
func (m *Model) chunkRows(n int) int { return min(max(m.chunk, 2), n) }

// eachChunk calls fn with the normed rows h [n, H] from row from on and their logits [n, V], where n is the sum of runs.
// Chunks depend on the runs before them, but no run is cut at an odd row. Unless held is nil, its rows [N, V] stand in the
// place of the logits.
func (m *Model) eachChunk(x compute.Buf, runs []int, held compute.Buf, fn func(from int, runs []int, h, logits compute.Buf)) {
	hidden, v := m.cfg.Hidden, m.cfg.Vocab
	chunk := m.chunkRows(total(runs))
	tmp := scratch{b: m.b}
	defer tmp.free()
	hs := tmp.allocActs(chunk * hidden)
	var ls compute.Buf
	if held == nil {
		ls = tmp.allocUnset(chunk * v)
	}
	for from := 0; len(runs) > 0; {
		var part []int
		part, runs = cutRuns(runs, chunk)
		n := total(part)
		h := m.b.Slice(hs, 0, n*hidden)
		m.b.RMSNorm(h, m.b.Slice(x, from*hidden, (from+n)*hidden), m.norm.Data, n, m.cfg.NormEps)
		var logits compute.Buf
		if held == nil {
			logits = m.b.Slice(ls, 0, n*v)
			m.b.MatMul(logits, h, m.head.weight(), n, false)
		} else {
			logits = m.b.Slice(held, from*v, (from+n)*v)
		}
		fn(from, part, h, logits)
		from += n
	}
}
