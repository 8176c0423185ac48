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
	s, err := m.ScoreRows(b, false, kinds...)
	if err != nil {
		return nil, err
	}
	return s.Norms, nil
}

// Scores are the norms of a batch's rows, and what learning from them needs.
type Scores struct {
	Norms [][]float64 // [kinds][rows]

	m       *Model
	b       Batch
	packed  decoder.Packed
	lengths []int
	seqs    []decoder.Sequence
	exact   bool          // of the kinds one is exact
	head    bool          // one is head_exact
	held    *decoder.Held // nil: computed again
}

// ScoreRows is RowNorms for a batch that will be learned from. With hold, an exact kind keeps the deltas of every layer
// until Learn or Free, so that no layer is gone back through twice, and head_exact the gradients at the logits; it changes
// no bit.
func (m *Model) ScoreRows(b Batch, hold bool, kinds ...NormKind) (*Scores, error) {
	packed, lengths, err := b.pack()
	if err != nil {
		return nil, err
	}
	s := &Scores{m: m, b: b, packed: packed, lengths: lengths, seqs: b.sequences(lengths)}
	if !slices.ContainsFunc(kinds, func(k NormKind) bool { return k != NormLen }) {
		s.Norms = lens(lengths, len(kinds))
		return s, nil
	}
	s.exact, s.head = slices.Contains(kinds, m.ExactNorm()), slices.Contains(kinds, NormHeadExact)
	if hold && s.ForLearning() {
		s.held = m.dec.NewHeld()
	}
	s.Norms, err = m.dec.RowNorms(packed, s.seqs, b.temperature(), kinds, s.held, s.recording(), b.recorded())
	if err != nil {
		s.Free()
		return nil, err
	}
	return s, nil
}

// ForLearning says whether learning from the batch goes by what its norms leave behind: those of an exact kind or of
// head_exact.
func (s *Scores) ForLearning() bool { return s.exact || s.head }

// ByRow says that [Scores.Learn] is the way to learn, for a dL/dlogp that is one number a row; else it is
// [Scores.LearnTokens].
func (s *Scores) ByRow() bool { return s.exact }

// LearnTokens is [Model.Learn] through what row norms of kind head_exact left, and releases what is held.
func (s *Scores) LearnTokens(dlogp []float32) (*Tokens, error) {
	defer s.Free()
	stats, err := s.m.dec.LearnUnits(s.packed, s.b.temperature(), dlogp, s.held, s.recording(), s.b.recorded())
	if err != nil {
		return nil, err
	}
	return tokensOf(stats, s.lengths, s.packed, nil), nil
}

// Learn adds the gradient of Σ_i scale[i]·log π(row i). It is [Model.Learn] for a dL/dlogp that is one number a row, up to
// rounding, and releases what is held.
func (s *Scores) Learn(scale []float32) (*Tokens, error) {
	defer s.Free()
	stats, err := s.m.dec.LearnRows(s.packed, s.seqs, s.b.temperature(), scale, s.held, s.recording(), s.b.recorded())
	if err != nil {
		return nil, err
	}
	return tokensOf(stats, s.lengths, s.packed, nil), nil
}

func (s *Scores) recording() *Recording {
	if s.b.recorded() == nil {
		return nil
	}
	return s.b.Recording
}

// Free gives back what is held. It may be called again, and after Learn.
func (s *Scores) Free() {
	s.held.Free()
	s.held = nil
}

// RowNorms is [Model.RowNorms] of a batch whose activations are held: [Model.LogProbs] with keep. They stay, for Backward.
func (t *Tokens) RowNorms(kinds ...NormKind) ([][]float64, error) {
	if t.pass == nil {
		return nil, errors.New("row norms: these tokens were learned from already")
	}
	return t.pass.RowNorms(t.seqs, kinds, nil)
}

// RowNorm is the norm of a completion all of whose tokens are trained, from what sampling it left behind: the number, to
// the bit, that [Model.RowNorms] gives. Of kinds that need more than that, and of a completion without statistics, ok is
// false.
func (c Completion) RowNorm(kind NormKind) (norm float64, ok bool) {
	known := len(c.SumP2) == len(c.Tokens)
	switch {
	case kind == NormLen:
		return float64(len(c.Tokens)), true
	case kind == NormEnergy && known:
		for t, p2 := range c.SumP2 {
			norm += decoder.Energy(c.LogProbs[t], p2)
		}
		return norm, true
	case kind == NormHead && known:
		for t, p2 := range c.SumP2 {
			norm += float64(c.InputSquares[t] * decoder.Energy(c.LogProbs[t], p2))
		}
		return norm, true
	}
	return 0, false
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
