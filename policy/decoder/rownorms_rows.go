package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// beside is a pass over another packing of rows of p, whose activations it picks from p layer by layer; rows has the row of
// p for each of its rows, nil for all of them in order. p stays as it is. The caller sets last, and frees it all with free.
func (p *Pass) beside(packed Packed, rows []int32) *Pass {
	m, n := p.m, len(packed.IDs)
	from := p.from
	if from == nil { // its own activations are a recording of its rows
		from = &Recording{m: m, rows: len(p.p.IDs), n: len(p.p.IDs), low: p.low, store: p.kept}
	}
	if rows == nil {
		rows = make([]int32, n)
		for r := range rows {
			rows[r] = int32(r)
		}
	}
	if p.from != nil {
		for i, r := range rows {
			rows[i] = p.rows[r]
		}
	}
	s := &Pass{m: m, p: packed, temperature: p.temperature, low: p.low, runs: packed.groups(), from: from, rows: rows}
	s.kept = &kept{scratch: scratch{b: m.b}, in: []compute.Buf{nil}}
	s.kept.in[0] = s.kept.allocUnset(n * m.cfg.Hidden)
	s.kept.addActs(m, n)
	return s
}

// free gives back what beside allocated; last is p's.
func (p *Pass) free() { p.kept.free() }

// separate packs sequences one after the other, each with a prompt of its own: what is shared going forward goes back once
// for each. It gives the rows of each sequence.
func (p *Pass) separate(seqs []Sequence) (s *Pass, spans []compute.Rows) {
	var packed Packed
	var rows []int32
	for _, q := range seqs {
		start := len(rows)
		for _, part := range []compute.Rows{q.Prompt, q.Own} {
			for r := part.From; r < part.To; r++ {
				packed.IDs = append(packed.IDs, p.p.IDs[r])
				packed.Pos = append(packed.Pos, p.p.Pos[r])
				rows = append(rows, int32(r))
			}
		}
		packed.Segs = append(packed.Segs, compute.Segment{Start: start, Len: len(rows) - start})
		spans = append(spans, compute.Rows{From: start, To: len(rows)})
		for o := q.Out.From; o < q.Out.To; o++ {
			r := int(p.p.Out[o])
			if r >= q.Own.From && r < q.Own.To {
				r += q.Prompt.To - q.Prompt.From - q.Own.From
			} else {
				r -= q.Prompt.From
			}
			packed.Out = append(packed.Out, int32(start+r))
			packed.Target = append(packed.Target, p.p.Target[o])
		}
	}
	s = p.beside(packed, rows)
	h := p.m.cfg.Hidden
	s.last = p.m.b.Slice(p.last, seqs[0].Out.From*h, seqs[len(seqs)-1].Out.To*h)
	return s, spans
}

// fitting is where a block of sequences that are taken together ends: their rows, each with its own prompt, are no more
// than those of the pass, unless it is a single one.
func (p *Pass) fitting(seqs []Sequence, from int) (to int) {
	rows := 0
	for to = from; to < len(seqs); to++ {
		q := seqs[to]
		rows += q.Prompt.To - q.Prompt.From + q.Own.To - q.Own.From
		if to > from && rows > len(p.p.IDs) {
			break
		}
	}
	return to
}
