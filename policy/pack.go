package policy

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// pack lays a batch out over one flat axis: each prompt once, then its rows, which name it as their prefix. The last
// token of a row is only ever a target, so it is no decoder row.
func (b Batch) pack() (p decoder.Packed, lengths []int, err error) {
	lengths = make([]int, len(b.Rows))
	next := 0
	for i, prompt := range b.Prompts {
		if len(prompt) == 0 {
			return p, nil, fmt.Errorf("batch: prompt %d is empty, want at least one token", i)
		}
		shared := compute.Segment{Start: len(p.IDs), Len: len(prompt)}
		appendTokens(&p, prompt, 0)
		p.Segs = append(p.Segs, shared)
		for ; next < len(b.Rows) && b.Rows[next].Prompt == i; next++ {
			r := b.Rows[next]
			if r.Train != nil && len(r.Train) != len(r.Tokens) {
				return p, nil, fmt.Errorf("batch: row %d: marks for %d tokens, want %d", next, len(r.Train), len(r.Tokens))
			}
			lengths[next] = packRow(&p, r, shared)
		}
	}
	if next != len(b.Rows) {
		return p, nil, fmt.Errorf("batch: row %d belongs to prompt %d, want 0 to %d in rising order", next, b.Rows[next].Prompt, len(b.Prompts)-1)
	}
	return p, lengths, nil
}

// recorded gives the recorded row of each row that pack makes, or nil: then the forward pass has to be run.
func (b Batch) recorded() []int32 {
	if b.Recording == nil || !b.Recording.Whole() {
		return nil
	}
	var rows []int32
	for i, r := range b.Rows {
		n := len(b.Prompts[r.Prompt])
		if len(r.Recorded) != n+len(r.Tokens)-1 {
			return nil
		}
		if i == 0 || b.Rows[i-1].Prompt != r.Prompt {
			rows = append(rows, r.Recorded[:n]...)
		}
		rows = append(rows, r.Recorded[n:]...)
	}
	return rows
}

// packRow adds a row after its prompt's segment and returns how many of its tokens are trained.
func packRow(p *decoder.Packed, r Row, prompt compute.Segment) int {
	start, trained := len(p.IDs), 0
	for t, id := range r.Tokens {
		if r.Train != nil && !r.Train[t] {
			continue
		}
		out := start + t - 1 // the row before a token predicts it
		if t == 0 {
			out = prompt.Start + prompt.Len - 1
		}
		p.Out = append(p.Out, int32(out))
		p.Target = append(p.Target, id)
		trained++
	}
	if n := len(r.Tokens) - 1; n > 0 {
		appendTokens(p, r.Tokens[:n], prompt.Len)
		p.Segs = append(p.Segs, compute.Segment{Start: start, Len: n, Prefix: prompt.Start, PrefixLen: prompt.Len})
	}
	return trained
}

func appendTokens(p *decoder.Packed, ids []int32, position int) {
	for i, id := range ids {
		p.IDs = append(p.IDs, id)
		p.Pos = append(p.Pos, int32(position+i))
	}
}
