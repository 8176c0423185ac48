package policy

import (
	"errors"
	"slices"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// NormKind is a way to weigh a row by its gradient, exact or a stand-in.
type NormKind = decoder.NormKind

// Kinds of row norms; package decoder says what each is.
const (
	NormLen             = decoder.NormLen
	NormEnergy          = decoder.NormEnergy
	NormHead            = decoder.NormHead
	NormHeadExact       = decoder.NormHeadExact
	NormGhost           = decoder.NormGhost
	NormGhostCompletion = decoder.NormGhostCompletion
	NormLoRA            = decoder.NormLoRA
)

// NormKinds lists them in the order of the documentation.
var NormKinds = decoder.NormKinds

// ExactNorm is the kind that is exact for what the model trains: lora beside an adapter, else ghost.
func (m *Model) ExactNorm() NormKind {
	if m.lora != nil {
		return NormLoRA
	}
	return NormGhost
}

// RowNorms gives |∇ log π(row)|² of every row of a batch, or what stands in for it, one list a kind: [kinds][rows]. The
// gradient is that of the row's trained tokens at the batch's temperature, with respect to what is trained. The exact
// kinds share the prompt's forward pass, which a recording of the batch saves altogether, and go back through it once for
// each row; no row's gradient is ever held.
func (m *Model) RowNorms(b Batch, kinds ...NormKind) ([][]float64, error) {
	packed, lengths, err := b.pack()
	if err != nil {
		return nil, err
	}
	seqs := b.sequences(lengths)
	if !slices.ContainsFunc(kinds, func(k NormKind) bool { return k != NormLen }) {
		return lens(lengths, len(kinds)), nil
	}
	if rows := b.recorded(); rows != nil {
		return m.dec.RowNorms(packed, seqs, b.temperature(), kinds, b.Recording, rows)
	}
	return m.dec.RowNorms(packed, seqs, b.temperature(), kinds, nil, nil)
}

// RowNorms is [Model.RowNorms] of a batch whose activations are held: [Model.LogProbs] with keep. They stay, for Backward.
func (t *Tokens) RowNorms(kinds ...NormKind) ([][]float64, error) {
	if t.pass == nil {
		return nil, errors.New("row norms: these tokens were learned from already")
	}
	return t.pass.RowNorms(t.seqs, kinds)
}

func lens(lengths []int, kinds int) [][]float64 {
	out := make([][]float64, kinds)
	for i := range out {
		for _, n := range lengths {
			out[i] = append(out[i], float64(n))
		}
	}
	return out
}

// sequences is where pack puts each row.
func (b Batch) sequences(lengths []int) (out []decoder.Sequence) {
	at, o, next := 0, 0, 0
	for i, prompt := range b.Prompts {
		s := decoder.Sequence{Prompt: compute.Rows{From: at, To: at + len(prompt)}}
		at = s.Prompt.To
		for ; next < len(b.Rows) && b.Rows[next].Prompt == i; next++ {
			s.Own = compute.Rows{From: at, To: at + max(len(b.Rows[next].Tokens)-1, 0)}
			s.Out = compute.Rows{From: o, To: o + lengths[next]}
			at, o = s.Own.To, s.Out.To
			out = append(out, s)
		}
	}
	return out
}
