package decoder

import (
	"fmt"
	"math"
)

// Logits runs a packed batch and gives, for each row of p.Out, the logit of its target and the logarithm of the summed
// exponentials of all logits, both [N]. Their difference is the log-prob at temperature 1. No backward pass follows.
func (m *Model) Logits(p Packed) (target, normaliser []float64, err error) {
	pass, err := m.forward(p, 1, false)
	if err != nil {
		return nil, nil, err
	}
	defer pass.Release()
	if len(p.Out) == 0 {
		return nil, nil, fmt.Errorf("logits: no outputs are asked, want at least one")
	}
	v := m.cfg.Vocab
	for from := 0; from < len(p.Out); {
		n := m.chunkRows(len(p.Out) - from)
		for i, row := range m.logitsOf(pass, from, from+n) {
			target = append(target, float64(row[p.Target[from+i]]))
			normaliser = append(normaliser, logSumExp(row[:v]))
		}
		from += n
	}
	return target, normaliser, m.b.Sync()
}

// logitsOf computes the logits of outputs [from, to) and reads them back, a row of V each.
func (m *Model) logitsOf(pass *Pass, from, to int) [][]float32 {
	hidden, v, n := m.cfg.Hidden, m.cfg.Vocab, to-from
	tmp := scratch{b: m.b}
	defer tmp.free()
	h, logits := tmp.allocActs(n*hidden), tmp.allocUnset(n*v)
	m.b.RMSNorm(h, m.b.Slice(pass.last, from*hidden, to*hidden), m.norm.Data, n, m.cfg.NormEps)
	m.b.MatMul(logits, h, m.head.weight(), n, false)
	data := make([]float32, n*v)
	m.b.Download(data, logits)
	rows := make([][]float32, n)
	for i := range rows {
		rows[i] = data[i*v : (i+1)*v]
	}
	return rows
}

// logSumExp is ln Σ e^x, of at least one x, without overflow.
func logSumExp(xs []float32) float64 {
	most := math.Inf(-1)
	for _, x := range xs {
		most = max(most, float64(x))
	}
	sum := 0.0
	for _, x := range xs {
		sum += math.Exp(float64(x) - most)
	}
	return most + math.Log(sum)
}
