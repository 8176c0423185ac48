package decoder

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Packed is a batch of sequences over one flat axis of R rows, a row a token, without padding. Completions of one
// prompt name its segment as their prefix, and their positions go on from it.
type Packed struct {
	IDs  []int32           // [R]
	Pos  []int32           // [R], position in the sequence
	Segs []compute.Segment // cover the rows in order
	// Out lists the rows whose next token is asked, in any order and repeated where several completions start from
	// one prompt; Target holds those tokens. Both have length N. Prefill reads Out alone.
	Out, Target []int32
}

// check finds what would make a kernel panic.
func (p Packed) check(c Config) error {
	rows := len(p.IDs)
	if rows == 0 {
		return fmt.Errorf("batch: no tokens, want at least one")
	}
	if len(p.Pos) != rows {
		return fmt.Errorf("batch: %d positions, want %d", len(p.Pos), rows)
	}
	for r, id := range p.IDs {
		if id < 0 || int(id) >= c.Vocab {
			return fmt.Errorf("batch: row %d: token id %d, want 0 to %d", r, id, c.Vocab-1)
		}
		if p.Pos[r] < 0 || int(p.Pos[r]) >= c.MaxPositions {
			return fmt.Errorf("batch: row %d: position %d, want 0 to %d (the model's context)", r, p.Pos[r], c.MaxPositions-1)
		}
	}
	for i, r := range p.Out {
		if r < 0 || int(r) >= rows {
			return fmt.Errorf("batch: output %d: row %d, want 0 to %d", i, r, rows-1)
		}
	}
	return p.checkSegments()
}

func (p Packed) checkSegments() error {
	next := 0
	alone := map[compute.Segment]bool{} // segments without a prefix
	for i, s := range p.Segs {
		if s.Start != next || s.Len < 1 {
			return fmt.Errorf("batch: segment %d: rows %d+%d, want a start at %d and a length from 1", i, s.Start, s.Len, next)
		}
		next += s.Len
		if s.PrefixLen == 0 {
			alone[compute.Segment{Start: s.Start, Len: s.Len}] = true
		} else if !alone[compute.Segment{Start: s.Prefix, Len: s.PrefixLen}] {
			return fmt.Errorf("batch: segment %d: prefix %d+%d, want a whole earlier segment without a prefix", i, s.Prefix, s.PrefixLen)
		}
	}
	if next != len(p.IDs) {
		return fmt.Errorf("batch: segments cover %d rows, want %d", next, len(p.IDs))
	}
	return nil
}

func (p Packed) checkTargets(c Config) error {
	if len(p.Target) != len(p.Out) {
		return fmt.Errorf("batch: %d targets, want %d", len(p.Target), len(p.Out))
	}
	for i, id := range p.Target {
		if id < 0 || int(id) >= c.Vocab {
			return fmt.Errorf("batch: target %d: token id %d, want 0 to %d", i, id, c.Vocab-1)
		}
	}
	return nil
}
