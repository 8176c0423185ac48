package policy

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// Tap is where hidden states are read; see package decoder for the three.
type Tap = decoder.Tap

// Matrix is rows of numbers.
type Matrix struct {
	Rows, Cols int
	Data       []float32 // [Rows, Cols], row-major
}

// Hidden gives the hidden states over the tokens of prompts, from one forward pass without the head. fn is called once a
// prompt, in order, with a matrix [tokens, H] that is valid during the call; its error ends the pass. As many prompts go
// through the decoder together as have at most so many rows, at least one, and no more than that is held.
func (m *Model) Hidden(prompts [][]int32, tap Tap, rows int, fn func(i int, h Matrix) error) error {
	for from := 0; from < len(prompts); {
		var p decoder.Packed
		to := from
		for ; to < len(prompts) && (to == from || len(p.IDs)+len(prompts[to]) <= rows); to++ {
			if len(prompts[to]) == 0 {
				return fmt.Errorf("hidden: prompt %d is empty, want at least one token", to)
			}
			p.Segs = append(p.Segs, compute.Segment{Start: len(p.IDs), Len: len(prompts[to])})
			appendTokens(&p, prompts[to], 0)
		}
		data, err := m.dec.Hidden(p, tap)
		if err != nil {
			return fmt.Errorf("hidden: prompts %d to %d: %w", from, to-1, err)
		}
		h := m.dec.Config().Hidden
		for i, s := range p.Segs {
			if err := fn(from+i, Matrix{Rows: s.Len, Cols: h, Data: data[s.Start*h : (s.Start+s.Len)*h]}); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}
