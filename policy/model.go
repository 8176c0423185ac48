package policy

import (
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/adapter"
	"github.com/burnish-rl/burnish/policy/chat"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/tokenizer"
)

// Model is a policy: the decoder, its tokenizer, its chat template, and what ends a sequence. Its methods are not
// safe for concurrent use.
type Model struct {
	from  string // where it was opened
	dec   *decoder.Model
	tok   *tokenizer.Tokenizer
	tmpl  *chat.Template // nil when the model has none
	eos   []int32        // any of them ends a sequence
	end   int32          // the one that a demonstration ends with; -1 when there is none
	files files          // saved beside the weights, as they were read

	lora       *adapter.LoRA
	base       string // what the adapter stands on, for its config
	switchable bool   // the adapter was attached to this stage's start, so switching it off gives the reference
}

// From is where the model was opened.
func (m *Model) From() string { return m.from }

// Config is the decoder's shape.
func (m *Model) Config() decoder.Config { return m.dec.Config() }

// Context is the most tokens a sequence may have.
func (m *Model) Context() int { return m.dec.Config().MaxPositions }

// Backend is where the model lives.
func (m *Model) Backend() compute.Backend { return m.dec.Backend() }

// Tokenizer turns text into ids and back.
func (m *Model) Tokenizer() *tokenizer.Tokenizer { return m.tok }

// Encode is the ids of a text, without special tokens added.
func (m *Model) Encode(text string) []int32 { return m.tok.Encode(text) }

// EOS is the token that ends a demonstration; ok is false when the model has none.
func (m *Model) EOS() (id int32, ok bool) { return m.end, m.end >= 0 }

// EndTokens are the ids any of which ends a sequence.
func (m *Model) EndTokens() []int32 { return slices.Clone(m.eos) }

// HasTemplate says whether the model brings a chat template.
func (m *Model) HasTemplate() bool { return m.tmpl != nil }

// Render puts messages through the chat template and encodes the result.
func (m *Model) Render(messages []Message, generationPrompt bool) (text string, ids []int32, err error) {
	if m.tmpl == nil {
		return "", nil, fmt.Errorf("%s has no chat template, so messages can't be rendered", m.from)
	}
	text, err = m.tmpl.Render(messages, generationPrompt)
	if err != nil {
		return "", nil, err
	}
	return text, m.tok.Encode(text), nil
}

// CheckIDs finds an id that the model has no embedding for.
func (m *Model) CheckIDs(ids []int32) error {
	v := m.dec.Config().Vocab
	for i, id := range ids {
		if id < 0 || int(id) >= v {
			return fmt.Errorf("token %d is id %d, want 0 to %d", i, id, v-1)
		}
	}
	return nil
}

// Params lists the tensors in file order, then the adapter's.
func (m *Model) Params() []*Param { return m.dec.Params() }

// Read gives a buffer in p's layout (weights, gradient, moments) in row-major order; Write fills one.
func (m *Model) Read(p *Param, buf compute.Buf) []float32        { return m.dec.Read(p, buf) }
func (m *Model) Write(p *Param, buf compute.Buf, rows []float32) { m.dec.Write(p, buf, rows) }

// EnableGrads allocates gradients for what is trained: the adapter where there is one, else every tensor.
func (m *Model) EnableGrads() { m.dec.EnableGrads() }

// KeepLayers says how many layers keep all their activations until the backward pass; the others are run again. It
// changes memory and speed, no bit.
func (m *Model) KeepLayers(n int) { m.dec.KeepLayers(n) }

// Freeze gives back what only training would need.
func (m *Model) Freeze() { m.dec.Freeze() }

// Updated must follow every step of an optimizer.
func (m *Model) Updated() { m.dec.Updated() }

// TrainedElements counts what EnableGrads will train: the adapter where there is one, else every tensor.
func (m *Model) TrainedElements() int64 {
	params := m.Params()
	if m.lora != nil {
		params = adapter.Params(m.dec)
	}
	var n int64
	for _, p := range params {
		n += int64(p.Data.Len())
	}
	return n
}

// ZeroGrads forgets all gradients, once a step.
func (m *Model) ZeroGrads() { m.dec.ZeroGrads() }

// FinishGrads completes the gradients, once a step after the last Backward.
func (m *Model) FinishGrads() error {
	m.dec.FinishGrads()
	return m.Backend().Sync()
}

// AttachLoRA puts a fresh adapter beside the targeted matrices. From then on only the adapter is trained, and
// switching it off gives the policy as it stood before.
func (m *Model) AttachLoRA(l adapter.LoRA, seed uint64) error {
	if m.lora != nil {
		return fmt.Errorf("%s already has an adapter; merge it first", m.from)
	}
	if err := adapter.Attach(m.dec, l, seed); err != nil {
		return err
	}
	m.lora, m.base, m.switchable = &l, m.from, true
	return nil
}

// Adapter is the model's LoRA, nil when it has none.
func (m *Model) Adapter() *adapter.LoRA { return m.lora }

// CanSwitchAdapterOff says whether switching the adapter off gives the policy as it stood when the stage began.
func (m *Model) CanSwitchAdapterOff() bool { return m.switchable }

// Close frees the model's memory.
func (m *Model) Close() { m.dec.Close() }
