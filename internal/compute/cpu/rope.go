package cpu

import (
	"math"
	"slices"

	"github.com/burnish-rl/burnish/internal/compute"
)

// ropeTables keeps the cosines and sines of every angle used so far, one table for each set of frequencies.
type ropeTables struct{ all []*ropeTable }

// ropeTable holds [positions][D/2] values.
type ropeTable struct {
	freq     []float32
	cos, sin []float32
}

// upTo returns the table for these frequencies with at least the positions [0, n).
func (t *ropeTables) upTo(n int, freq []float32) *ropeTable {
	i := slices.IndexFunc(t.all, func(x *ropeTable) bool { return slices.Equal(x.freq, freq) })
	if i < 0 {
		i = len(t.all)
		t.all = append(t.all, &ropeTable{freq: slices.Clone(freq)})
	}
	t.all[i].grow(n)
	return t.all[i]
}

// grow computes the missing positions: the angle is a float32 product, as in transformers; its cosine and sine
// are taken in float64 and rounded.
func (t *ropeTable) grow(n int) {
	half := len(t.freq)
	if len(t.cos) >= n*half {
		return
	}
	t.cos = slices.Grow(t.cos, n*half-len(t.cos))
	t.sin = slices.Grow(t.sin, n*half-len(t.sin))
	for p := len(t.cos) / half; p < n; p++ {
		for _, f := range t.freq {
			sin, cos := math.Sincos(float64(float32(p) * f))
			t.cos = append(t.cos, float32(cos))
			t.sin = append(t.sin, float32(sin))
		}
	}
}

// RoPE turns the pairs (i, i+D/2) of each head of x [R, heads·D] by the angle pos[r]·invFreq[i], or back. x may be in
// bf16.
func (b *Backend) RoPE(x compute.Buf, pos []int32, heads, d int, invFreq []float32, inverse bool) {
	mustHave("rope: x", x.Len(), len(pos)*heads*d)
	mustHave("rope: frequencies", len(invFreq), d/2)
	if len(pos) == 0 {
		return
	}
	c := &b.calls.rope
	*c = ropeCall{b, *x.(*buf), pos, heads, d / 2, b.rope.upTo(int(slices.Max(pos))+1, invFreq), inverse}
	b.spread(len(pos), max(1, lightGrain/max(1, heads*d)), c)
	*c = ropeCall{}
}

type ropeCall struct {
	b       *Backend
	x       buf
	pos     []int32
	heads   int
	half    int // D/2
	table   *ropeTable
	inverse bool
}

func (c *ropeCall) span(worker, lo, hi int) {
	width := c.heads * 2 * c.half
	var spare []float32
	if c.x.h != nil {
		spare = c.b.scratchFor(worker, width)
	}
	for r := lo; r < hi; r++ {
		row := c.b.kernel.opened(&c.x, r*width, (r+1)*width, spare)
		at := int(c.pos[r]) * c.half
		c.b.kernel.turnHeads(row, c.table.cos[at:][:c.half], c.table.sin[at:][:c.half], c.inverse)
		c.b.kernel.settle(&c.x, r*width, row)
	}
}

// turnHeads turns, or turns back, all heads of a row by the same angles.
func (k *kernel) turnHeads(row, cos, sin []float32, inverse bool) {
	if k.vector && len(row) > 0 {
		turnBlocks(row, cos, sin, inverse)
		return
	}
	half := len(cos)
	for ; len(row) > 0; row = row[2*half:] {
		if inverse {
			turnBack(row[:half], row[half:], cos, sin)
		} else {
			turn(row[:half], row[half:], cos, sin)
		}
	}
}

func turn(a, b, cos, sin []float32) {
	b, cos, sin = b[:len(a)], cos[:len(a)], sin[:len(a)]
	for i, x := range a {
		y, c, s := b[i], cos[i], sin[i]
		a[i] = float32(x*c) - float32(y*s)
		b[i] = float32(y*c) + float32(x*s)
	}
}

func turnBack(a, b, cos, sin []float32) {
	b, cos, sin = b[:len(a)], cos[:len(a)], sin[:len(a)]
	for i, x := range a {
		y, c, s := b[i], cos[i], sin[i]
		a[i] = float32(x*c) + float32(y*s)
		b[i] = float32(y*c) - float32(x*s)
	}
}
