package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// embedSquares are the norms of sequences' gradients of the embedding. A tied head has a gradient D, of all tokens, and
// adds that of the inputs S, of the sequence's own tokens, to the same rows, so
//
//	|D + S|² = |D|² - |D_ids|² + |D_ids + S_ids|²
//
// where ids are the tokens that the sequence reads. |D|² is counted with the head; the rest is here.
type embedSquares struct {
	p     *Pass
	spans []compute.Rows
	tied  bool
	ids   [][]int32 // distinct, of each sequence
	slots [][]int32 // of its rows, into ids
	rows  []compute.Weight
	head  []float64 // |D_ids|²
}

func (p *Pass) newEmbedSquares(spans []compute.Rows) *embedSquares {
	e := &embedSquares{p: p, spans: spans, tied: p.m.head == p.m.embed}
	for _, s := range spans {
		slot := map[int32]int32{}
		var ids, slots []int32
		for _, id := range p.p.IDs[s.From:s.To] {
			at, ok := slot[id]
			if !ok {
				at = int32(len(ids))
				slot[id] = at
				ids = append(ids, id)
			}
			slots = append(slots, at)
		}
		e.ids, e.slots = append(e.ids, ids), append(e.slots, slots)
	}
	e.rows, e.head = make([]compute.Weight, len(spans)), make([]float64, len(spans))
	return e
}

// take computes the rows ids of the head's gradient for sequences from first on: d [n, V] and h [n, H] have the rows of
// outs.
func (e *embedSquares) take(first int, outs []compute.Rows, d, h compute.Buf) {
	if !e.tied {
		return
	}
	m := e.p.m
	v, hidden := m.cfg.Vocab, m.cfg.Hidden
	for i, o := range outs {
		ids, n := e.ids[first+i], o.To-o.From
		if len(ids) == 0 || n == 0 {
			continue
		}
		w := m.b.NewWeight(len(ids), hidden)
		e.rows[first+i] = w
		picked := m.b.AllocUnset(n * len(ids))
		at := make([]int32, 0, n*len(ids))
		for t := range n {
			for _, id := range ids {
				at = append(at, int32(t*v)+id)
			}
		}
		m.b.PickRows(picked, m.b.Slice(d, o.From*v, o.To*v), at, 1)
		m.b.MatMulGradW(w, picked, m.b.Slice(h, o.From*hidden, o.To*hidden), []int{n})
		m.b.Free(picked)
		e.head[first+i] = m.b.SumSquares(w.Data)
	}
}

// add takes the gradient of the embedded rows.
func (e *embedSquares) add(sums []float64, dx compute.Buf) {
	m, hidden := e.p.m, e.p.m.cfg.Hidden
	for i, s := range e.spans {
		ids := e.ids[i]
		if len(ids) == 0 {
			continue
		}
		acc := m.b.Alloc(len(ids) * hidden)
		m.b.GatherAdd(acc, m.b.Slice(dx, s.From*hidden, s.To*hidden), e.slots[i], hidden)
		if w := e.rows[i]; w.Data != nil {
			order := make([]int32, len(ids))
			for j := range order {
				order[j] = int32(j)
			}
			m.b.AddRows(w, acc, order)
			sums[i] += m.b.SumSquares(w.Data) - e.head[i]
		} else {
			sums[i] += m.b.SumSquares(acc)
		}
		m.b.Free(acc)
	}
}

func (e *embedSquares) free() {
	for _, w := range e.rows {
		if w.Data != nil {
			e.p.m.b.Free(w.Data)
		}
	}
}
