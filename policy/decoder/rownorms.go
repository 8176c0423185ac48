package decoder

import (
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/internal/compute"
)

// NormKind is a way to weigh a row by its gradient: the squared norm of ∇ log π(row), exact or a stand-in.
type NormKind string

// Kinds of row norms. p, e and h are of the row's trained tokens: e = 1 - 2·p + Σ_v p_v² is the squared norm of the
// gradient at the logits (at temperature 1), d that gradient, and h the input of the output matrix.
const (
	NormLen             NormKind = "len"              // number of tokens; computes nothing
	NormEnergy          NormKind = "energy"           // Σ_t e_t; forward pass
	NormHead            NormKind = "head"             // Σ_t e_t·|h_t|², the diagonal part of the output matrix's; forward pass
	NormHeadExact       NormKind = "head_exact"       // |Σ_t d_t·h_tᵀ|², of the output matrix at the logits' temperature; forward pass
	NormGhost           NormKind = "ghost"            // exact, when all of the model is trained; a backward pass of each row
	NormGhostCompletion NormKind = "ghost_completion" // ghost without what flows through the prompt's rows: not exact
	NormLoRA            NormKind = "lora"             // exact, when an adapter is trained; a backward pass of each row
)

// NormKinds lists them in the order of the documentation.
var NormKinds = []NormKind{NormLen, NormEnergy, NormHead, NormHeadExact, NormGhost, NormGhostCompletion, NormLoRA}

// Backward says whether a kind takes a backward pass, and so the activations of all layers.
func (k NormKind) Backward() bool { return k == NormGhost || k == NormGhostCompletion || k == NormLoRA }

// exact says whether a kind is the norm of all that is trained.
func (k NormKind) exact() bool { return k == NormGhost || k == NormLoRA }

// Sampled says whether a kind is made of the statistics that sampling can keep of each token.
func (k NormKind) Sampled() bool { return k == NormLen || k == NormEnergy || k == NormHead }

// Sequence is where a row of the batch lies in Packed: the decoder rows of its prompt and its own, and its entries of Out.
type Sequence struct{ Prompt, Own, Out compute.Rows }

// RowNorms gives the norms of a packed batch, one list a kind, [kinds][rows]. r, unless nil, is where the forward pass was
// recorded, and rows has the recorded row of each row of the batch; else the forward pass is run. seqs are in order and
// cover Out. Unless it is nil, an exact kind leaves its deltas in held, for [Model.LearnRows], or head_exact without one
// the gradients at the logits, for [Model.LearnUnits].
func (m *Model) RowNorms(p Packed, seqs []Sequence, temperature float32, kinds []NormKind, held *Held, r *Recording, rows []int32) ([][]float64, error) {
	var pass *Pass
	var err error
	if r != nil {
		pass, err = r.pass(p, temperature, rows)
	} else {
		pass, err = m.forward(p, temperature, slices.ContainsFunc(kinds, NormKind.Backward))
	}
	if err != nil {
		return nil, err
	}
	defer pass.Release()
	return pass.RowNorms(seqs, kinds, held)
}

// RowNorms gives the norms of the pass's rows and leaves the pass as it is: a backward pass may follow. See
// [Model.RowNorms] for what is held.
func (p *Pass) RowNorms(seqs []Sequence, kinds []NormKind, held *Held) ([][]float64, error) {
	if p.last == nil {
		return nil, fmt.Errorf("row norms: the pass was released, want LogProbs with keep")
	}
	next := 0
	for i, s := range seqs {
		if s.Out.From != next || s.Out.To < next {
			return nil, fmt.Errorf("row norms: sequence %d: outputs %d to %d, want them from %d on", i, s.Out.From, s.Out.To, next)
		}
		next = s.Out.To
	}
	if next != len(p.p.Out) {
		return nil, fmt.Errorf("row norms: sequences cover %d outputs, want %d", next, len(p.p.Out))
	}
	out := make([][]float64, len(kinds))
	for i, kind := range kinds {
		if err := p.canNorm(kind); err != nil {
			return nil, err
		}
		keep := held
		if kind == NormHeadExact && slices.ContainsFunc(kinds, NormKind.exact) {
			keep = nil
		}
		out[i] = p.norms(seqs, kind, keep)
	}
	return out, p.m.b.Sync()
}

// canNorm refuses a kind that would not be what its name says.
func (p *Pass) canNorm(kind NormKind) error {
	switch {
	case !slices.Contains(NormKinds, kind):
		return fmt.Errorf("row norms: kind %q, want one of %q", kind, NormKinds)
	case !kind.Backward():
		return nil
	case p.kept == nil:
		return fmt.Errorf("row norms: %s needs the activations, want LogProbs with keep", kind)
	case kind == NormLoRA && !p.low:
		return fmt.Errorf("row norms: lora is for a model that trains an adapter, want ghost")
	case kind != NormLoRA && p.m.lowRank:
		return fmt.Errorf("row norms: %s is for a model whose own matrices are trained, want lora beside an adapter", kind)
	case !slices.ContainsFunc(p.m.params, func(w *Param) bool { return w.Trainable }):
		return fmt.Errorf("row norms: %s of a model of which nothing is trained, want EnableGrads before", kind)
	}
	return nil
}

func (p *Pass) norms(seqs []Sequence, kind NormKind, held *Held) []float64 {
	out := make([]float64, len(seqs))
	switch kind {
	case NormLen:
		for i, s := range seqs {
			out[i] = float64(s.Out.To - s.Out.From)
		}
	case NormEnergy, NormHead:
		p.forwardNorms(out, seqs, kind == NormHead)
	case NormHeadExact:
		if held != nil {
			held.begin(seqs, nil)
		}
		p.headSquares(nil, &squares{b: p.m.b, m: p.m, sums: out, held: held}, outsOf(seqs), nil, true)
	case NormGhostCompletion:
		s := p.beside(p.p, nil)
		s.last = p.last
		defer s.free()
		s.squares(&squares{b: p.m.b, m: p.m, sums: out}, outsOf(seqs), ownOf(seqs))
	default:
		if held != nil {
			p.deltas(held, seqs, out)
			return out
		}
		for from := 0; from < len(seqs); {
			to := p.fitting(seqs, from)
			s, spans := p.separate(seqs[from:to])
			s.squares(&squares{b: p.m.b, m: p.m, sums: out[from:to]}, shifted(outsOf(seqs[from:to])), spans)
			s.free()
			from = to
		}
	}
	return out
}

// forwardNorms are those that the head's statistics give.
func (p *Pass) forwardNorms(out []float64, seqs []Sequence, head bool) {
	if p.Stats.LogP == nil {
		p.Stats = p.m.headStats(p.last, p.p, p.temperature)
	}
	scale := make([]float64, len(p.p.Out))
	for i := range scale {
		scale[i] = 1
	}
	if head {
		scale = p.inputSquares()
	}
	for i, s := range seqs {
		for t := s.Out.From; t < s.Out.To; t++ {
			out[i] += float64(scale[t] * energy(p.Stats, t)) // not fused: the bits of Completion.RowNorm
		}
	}
}

func energy(s compute.Stats, t int) float64 { return Energy(s.LogP[t], s.SumP2[t]) }

// Energy is 1 - 2·p + Σ p² of one token, where a rounding below 0 becomes 0.
func Energy(logp, sumP2 float32) float64 { return max(0, 1-2*exp(logp)+float64(sumP2)) }

// inputSquares are |h|² of the output matrix's input at each output.
func (p *Pass) inputSquares() []float64 {
	m, n := p.m, len(p.p.Out)
	tmp := scratch{b: m.b}
	defer tmp.free()
	h := tmp.allocUnset(n * m.cfg.Hidden)
	m.b.RMSNorm(h, p.last, m.norm.Data, n, m.cfg.NormEps)
	out := make([]float64, n)
	rowSquares(m.b, out, h, make([]float32, n*m.cfg.Hidden))
	return out
}

func outsOf(seqs []Sequence) (out []compute.Rows) {
	for _, s := range seqs {
		out = append(out, s.Out)
	}
	return out
}

func ownOf(seqs []Sequence) (out []compute.Rows) {
	for _, s := range seqs {
		out = append(out, s.Own)
	}
	return out
}

// shifted makes runs start at 0.
func shifted(runs []compute.Rows) []compute.Rows {
	first := runs[0].From
	for i := range runs {
		runs[i].From -= first
		runs[i].To -= first
	}
	return runs
}
