package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// headBytes bounds the logits held at once: 165 rows at a vocabulary of 151,936.
const headBytes = 96 << 20

// HeadChunk is the number of rows whose logits are held at once.
func (c Config) HeadChunk() int {
	return min(max(headBytes/4/c.Vocab, 1), 4096)
}

// headStats computes logits chunk by chunk and keeps only their statistics.   x [rows, H], after the last layer.
func (m *Model) headStats(x compute.Buf, target []int32, temperature float32) compute.Stats {
	var all compute.Stats
	m.eachChunk(x, len(target), func(from, to int, h, logits compute.Buf) {
		s := m.b.TokenStats(logits, m.cfg.Vocab, temperature, target[from:to])
		all.LogP = append(all.LogP, s.LogP...)
		all.Entropy = append(all.Entropy, s.Entropy...)
		all.SumP2 = append(all.SumP2, s.SumP2...)
	})
	return all
}

// headGrad computes the same logits again, gives dx [rows, H] and adds to the gradients of the head and its norm.
// dx holds zeros.
func (m *Model) headGrad(dx, x compute.Buf, target []int32, temperature float32, dlogp, dentropy []float32) {
	rows, hidden := len(target), m.cfg.Hidden
	dh := m.b.Alloc(rows * hidden)
	m.eachChunk(x, rows, func(from, to int, h, logits compute.Buf) {
		var de []float32
		if dentropy != nil {
			de = dentropy[from:to]
		}
		m.b.TokenStatsGrad(logits, m.cfg.Vocab, temperature, target[from:to], dlogp[from:to], de)
		m.b.MatMulGradX(m.b.Slice(dh, from*hidden, to*hidden), logits, m.head.weight(), to-from, false)
		if m.head.Grad != nil {
			m.b.MatMulGradW(m.head.grad(), logits, h, to-from)
		}
	})
	m.b.RMSNormGrad(dx, m.norm.Grad, dh, x, m.norm.Data, rows, m.cfg.NormEps)
	m.b.Free(dh)
}

// eachChunk calls fn with the normed rows h [to-from, H] and their logits [to-from, V].
func (m *Model) eachChunk(x compute.Buf, rows int, fn func(from, to int, h, logits compute.Buf)) {
	hidden, v := m.cfg.Hidden, m.cfg.Vocab
	chunk := min(m.chunk, rows)
	tmp := scratch{b: m.b}
	defer tmp.free()
	hs, ls := tmp.alloc(chunk*hidden), tmp.alloc(chunk*v)
	for from := 0; from < rows; from += chunk {
		to := min(from+chunk, rows)
		n := to - from
		h, logits := m.b.Slice(hs, 0, n*hidden), m.b.Slice(ls, 0, n*v)
		m.b.RMSNorm(h, m.b.Slice(x, from*hidden, to*hidden), m.norm.Data, n, m.cfg.NormEps)
		m.b.MatMul(logits, h, m.head.weight(), n, false)
		fn(from, to, h, logits)
	}
}
