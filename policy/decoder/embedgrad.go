package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// rowGrads collects a step's gradient of the embedding for the tokens that occur, apart from the matrix: with a tied
// head the matrix holds the head's part, and adding rows to it in between would make the sum depend on how the step
// was cut. Each token's row sums its occurrences in flat order.
type rowGrads struct {
	slot map[int32]int32
	ids  []int32     // by slot
	acc  compute.Buf // [capacity, H]
}

// leastRows is the first capacity; it doubles from there.
const leastRows = 64

// add: row ids[r] += x[r,:], r ascending.
func (g *rowGrads) add(b compute.Backend, x compute.Buf, ids []int32, width int) {
	if g.slot == nil {
		g.slot = map[int32]int32{}
	}
	slots := make([]int32, len(ids))
	for r, id := range ids {
		s, ok := g.slot[id]
		if !ok {
			s = int32(len(g.ids))
			g.slot[id] = s
			g.ids = append(g.ids, id)
		}
		slots[r] = s
	}
	g.grow(b, width)
	b.GatherAdd(g.acc, x, slots, width)
}

// grow makes room for a row of every id.
func (g *rowGrads) grow(b compute.Backend, width int) {
	have := 0
	if g.acc != nil {
		have = g.acc.Len()
	}
	if have >= len(g.ids)*width {
		return
	}
	rows := max(leastRows, have/width)
	for rows < len(g.ids) {
		rows *= 2
	}
	acc := b.Alloc(rows * width)
	if g.acc != nil {
		b.Copy(b.Slice(acc, 0, have), g.acc)
		b.Free(g.acc)
	}
	g.acc = acc
}

// addTo: W[id,:] += row id. The ids are distinct, so their order changes no bit.
func (g *rowGrads) addTo(b compute.Backend, w compute.Weight) {
	if len(g.ids) > 0 {
		b.AddRows(w, b.Slice(g.acc, 0, len(g.ids)*w.K), g.ids)
	}
}

// release forgets everything.
func (g *rowGrads) release(b compute.Backend) {
	if g.acc != nil {
		b.Free(g.acc)
	}
	*g = rowGrads{}
}
