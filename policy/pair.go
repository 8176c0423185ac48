package policy

import (
	"errors"
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Pair is a policy and what it is measured against. Its implicit reward of a token is β·log(π/π_ref): a model trained
// with a KL leash on π_ref, or by maximum likelihood from it, is optimal for that reward up to a function of the prompt.
//
// Source: Rafailov et al. 2023, arXiv:2305.18290, for DPO; Wang et al. 2025, arXiv:2507.00018, for SFT.
type Pair struct {
	Policy    *Model
	Reference *Model // nil: the policy with its adapter switched off
}

// NewPair checks that two models speak in the same tokens. Without a reference the policy must have an adapter.
func NewPair(policy, reference *Model) (Pair, error) {
	p := Pair{policy, reference}
	if reference == nil {
		if policy.lora == nil {
			return p, fmt.Errorf("%s has no adapter to switch off, want a reference model", policy.from)
		}
		return p, nil
	}
	if policy == reference {
		return p, errors.New("pair: the reference is the policy itself, want another model")
	}
	a, b := policy.tok, reference.tok
	if a.Size() != b.Size() {
		return p, fmt.Errorf("%s has %d tokens, %s has %d, want models with the same tokens", policy.from, a.Size(), reference.from, b.Size())
	}
	for id := range int32(a.Size()) {
		if a.Token(id) != b.Token(id) {
			return p, fmt.Errorf("token %d is %q in %s and %q in %s, want models with the same tokens", id, a.Token(id), policy.from, b.Token(id), reference.from)
		}
	}
	return p, nil
}

// OpenPair opens two models that only answer. An empty reference means the policy with its adapter switched off.
func OpenPair(policy, reference string, b compute.Backend) (p Pair, err error) {
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	if p.Policy, err = Open(policy, b); err != nil {
		return p, err
	}
	p.Policy.Freeze()
	if reference != "" {
		if p.Reference, err = Open(reference, b); err != nil {
			return p, fmt.Errorf("reference: %w", err)
		}
		p.Reference.Freeze()
	}
	return NewPair(p.Policy, p.Reference)
}

// Close frees both models.
func (p Pair) Close() {
	for _, m := range []*Model{p.Policy, p.Reference} {
		if m != nil {
			m.Close()
		}
	}
}

// Context is the most tokens that a sequence may have in both models.
func (p Pair) Context() int {
	if p.Reference == nil {
		return p.Policy.Context()
	}
	return min(p.Policy.Context(), p.Reference.Context())
}

// CheckIDs finds an id that one of the models has no embedding for.
func (p Pair) CheckIDs(ids []int32) error {
	if p.Reference == nil {
		return p.Policy.CheckIDs(ids)
	}
	return errors.Join(p.Policy.CheckIDs(ids), p.Reference.CheckIDs(ids))
}

// LogProbs gives the log-probs of the batch's trained tokens under both, [N] each, rows in order.
func (p Pair) LogProbs(b Batch) (policy, reference []float32, err error) {
	of, err := p.Policy.LogProbs(b, false)
	if err != nil {
		return nil, nil, err
	}
	var against *Tokens
	if p.Reference != nil {
		against, err = p.Reference.LogProbs(b, false)
	} else {
		against, err = p.Policy.LogProbsWithoutAdapter(b)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reference: %w", err)
	}
	return of.LogP, against.LogP, nil
}
