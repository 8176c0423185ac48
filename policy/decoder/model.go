// Package decoder is the transformer, written once over [compute.Backend]: forward and backward over packed
// sequences, and one step of generation. Start with [ParseConfig] and [New]; then [Model.LogProbs] to score and
// train, [Model.Prefill] and [Model.Decode] to generate.
//
// A model family is one file that says how it differs (llama.go).
//
// # Bits
//
// Generation and training run the same kernels on the same rows, so a token's log-prob has the same bits in both.
// Gradients have the same bits however a step's batch is cut between prompt groups: everything accumulates row by row
// in flat order, and the embedding's rows are collected apart until [Model.FinishGrads].
package decoder

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Model is a decoder on one backend. Its methods are not safe for concurrent use.
type Model struct {
	cfg     Config
	b       compute.Backend
	invFreq []float32 // [HeadDim/2]
	chunk   int       // rows whose logits are held at once; it changes no bit

	keepLayers int // see KeepLayers

	embed, norm, head *Param // head is embed when the model is tied
	layers            []layer
	params            []*Param
	linears           map[string]*linear // by module name

	recording *Recording // of what is generated, or nil
	state     int        // counts the changes of weights

	lowRank    bool // some linear has a low-rank part
	lowRankOff bool
	embedGrad  rowGrads

	ys []compute.Buf // of the products under way
	ws []compute.Weight
}

type layer struct {
	q, k, v, o, gate, up, down linear
	attnNorm, mlpNorm          *Param
}

// New loads a model. A tensor that holds NaN or infinity is an error.
func New(cfg Config, b compute.Backend, src Source) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Model{cfg: cfg, b: b, invFreq: inverseFrequencies(cfg), chunk: cfg.HeadChunk(), linears: map[string]*linear{}}
	if err := m.load(src); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// load reads the tensors in the order of transformers' named_parameters.
func (m *Model) load(src Source) error {
	c := m.cfg
	l := loader{m: m, src: src}
	m.embed = l.param("model.embed_tokens.weight", c.Vocab, c.Hidden)
	m.layers = make([]layer, c.Layers)
	m.KeepLayers(c.Layers)
	for i := range m.layers {
		y, p := &m.layers[i], fmt.Sprintf("model.layers.%d.", i)
		y.q = l.linear(p+"self_attn.q_proj", c.Heads*c.HeadDim, c.Hidden)
		y.k = l.linear(p+"self_attn.k_proj", c.KVHeads*c.HeadDim, c.Hidden)
		y.v = l.linear(p+"self_attn.v_proj", c.KVHeads*c.HeadDim, c.Hidden)
		y.o = l.linear(p+"self_attn.o_proj", c.Hidden, c.Heads*c.HeadDim)
		y.gate = l.linear(p+"mlp.gate_proj", c.Inner, c.Hidden)
		y.up = l.linear(p+"mlp.up_proj", c.Inner, c.Hidden)
		y.down = l.linear(p+"mlp.down_proj", c.Hidden, c.Inner)
		y.attnNorm = l.param(p+"input_layernorm.weight", c.Hidden)
		y.mlpNorm = l.param(p+"post_attention_layernorm.weight", c.Hidden)
	}
	m.norm = l.param("model.norm.weight", c.Hidden)
	m.head = m.embed
	if !c.Tied {
		m.head = l.param("lm_head.weight", c.Vocab, c.Hidden)
	}
	for i := range m.layers {
		for _, lin := range m.layers[i].linears() {
			m.linears[lin.module] = lin
		}
	}
	return l.err
}

func (y *layer) linears() []*linear {
	return []*linear{&y.q, &y.k, &y.v, &y.o, &y.gate, &y.up, &y.down}
}

// loader keeps the first error.
type loader struct {
	m   *Model
	src Source
	err error
}

func (l *loader) param(name string, shape ...int) *Param {
	p := &Param{Name: name, Shape: shape, Decay: len(shape) == 2}
	if l.err != nil {
		return p
	}
	data, err := fetch(l.src, name, shape...)
	if err != nil {
		l.err = err
		return p
	}
	l.m.add(p, data)
	return p
}

func (l *loader) linear(module string, n, k int) linear {
	return linear{module: module, w: l.param(module+".weight", n, k)}
}

// add puts a tensor on the backend.
func (m *Model) add(p *Param, rowMajor []float32) {
	p.Data = p.alloc(m.b)
	if p.Matrix() {
		p.Half = m.b.NewHalf(p.Shape[0], p.Shape[1])
	}
	m.Write(p, p.Data, rowMajor)
	m.params = append(m.params, p)
}

// Config is the model's shape.
func (m *Model) Config() Config { return m.cfg }

// Backend is where the model lives.
func (m *Model) Backend() compute.Backend { return m.b }

// Params lists the model's tensors in file order, then those of an adapter. A tied head is not listed twice.
func (m *Model) Params() []*Param { return m.params }

// EnableGrads allocates gradients for what is trained: the adapter alone where there is one, else every tensor.
func (m *Model) EnableGrads() {
	for _, p := range m.params {
		p.Trainable = !m.lowRank
	}
	for _, lin := range m.linears {
		if lin.low != nil {
			lin.low.A.Trainable, lin.low.B.Trainable = true, true
		}
	}
	for _, p := range m.params {
		if p.Trainable && p.Grad == nil {
			p.Grad = p.alloc(m.b)
		}
	}
	m.Freeze()
}

// Freeze gives back the float32 copies of matrices that are kept in bf16 and not trained. It is what a model that only
// answers should do; EnableGrads does it for the rest.
func (m *Model) Freeze() {
	for _, p := range m.params {
		if p.Half != nil && !p.Trainable && p.Data != nil {
			m.b.Free(p.Data)
			p.Data = nil
		}
	}
}

// Updated must follow every change of trained weights that [Model.Write] didn't make.
func (m *Model) Updated() {
	m.state++
	for _, p := range m.params {
		if p.Half != nil && p.Data != nil {
			m.b.Halve(p.weight())
		}
	}
}

// ZeroGrads forgets all gradients, once a step.
func (m *Model) ZeroGrads() {
	for _, p := range m.params {
		if p.Grad != nil {
			m.b.Zero(p.Grad)
		}
	}
	m.embedGrad.release(m.b)
}

// FinishGrads adds what the embedding's rows collected into its gradient: once a step, after the last Backward and
// before anyone reads gradients.
func (m *Model) FinishGrads() {
	if m.embed.Grad != nil {
		m.embedGrad.addTo(m.b, m.embed.grad())
	}
	m.embedGrad.release(m.b)
}

// Close frees all memory of the model.
func (m *Model) Close() {
	for _, p := range m.params {
		for _, x := range []compute.Buf{p.Data, p.Half, p.Grad} {
			if x != nil {
				m.b.Free(x)
			}
		}
	}
	m.params = nil
	m.embedGrad.release(m.b)
}
