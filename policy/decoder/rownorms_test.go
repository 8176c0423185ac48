package decoder

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/ref"
)

// sequences is where pack puts each completion.
func sequences(groups []group) (out []Sequence) {
	at, o := 0, 0
	for _, g := range groups {
		prompt := compute.Rows{From: at, To: at + len(g.prompt)}
		at = prompt.To
		for _, c := range g.completions {
			out = append(out, Sequence{Prompt: prompt, Own: compute.Rows{From: at, To: at + len(c)}, Out: compute.Rows{From: o, To: o + len(c)}})
			at, o = at+len(c), o+len(c)
		}
	}
	return out
}

// ones are the upstream gradients of a row's log-prob.
func ones(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// gradientAlone is the squared norm of the gradient of each completion, from a batch of it alone.
func gradientAlone(t *testing.T, m *Model, groups []group, only func(*Param) bool) (out []float64) {
	t.Helper()
	for _, p := range alone(groups) {
		m.ZeroGrads()
		pass, err := m.LogProbs(p, 0.7, true)
		if err == nil {
			err = pass.Backward(ones(len(p.Out)), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		m.FinishGrads()
		sum := 0.0
		for _, w := range m.Params() {
			if w.Trainable && only(w) {
				sum += m.b.SumSquares(w.Grad)
			}
		}
		out = append(out, sum)
	}
	return out
}

func everything(*Param) bool { return true }

// within is the tolerance of a backend.
func within(b compute.Backend) float64 {
	switch {
	case isHalf(b):
		return 2e-2 // 8 bits of a number
	case b.Name() == "ref":
		return 1e-9
	}
	return 1e-5
}

func nearNorms(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d norms, want %d", what, len(got), len(want))
	}
	for i := range want {
		if e := math.Abs(got[i]/want[i] - 1); !(e <= tol) && !(got[i] == 0 && want[i] == 0) {
			t.Errorf("%s: row %d: %.9g, want %.9g: off by %.2g", what, i, got[i], want[i], e)
		}
	}
}

// exactKind is the exact kind for what a model trains.
func exactKind(m *Model) NormKind {
	if m.lowRank {
		return NormLoRA
	}
	return NormGhost
}

// TestRowNormsAreTheRowsGradients: the norm of a row of a packed batch is that of the gradient of that completion alone,
// tied and untied, with shared prompts, grouped keys, trained norms, with an adapter and without; for any number of layers
// kept, any chunk of the head and any block of rows; and the backward pass that follows has the same bits.
func TestRowNormsAreTheRowsGradients(t *testing.T) {
	eachModel(t, func(t *testing.T, m *Model) {
		groups := drawGroups(m.cfg.Vocab)
		m.EnableGrads()
		want := gradientAlone(t, m, groups, everything)
		_, grads := learnOn(t, m, pack(groups), false)
		dlogp, dentropy := outGrads(len(pack(groups).Out))
		for _, kept := range []int{m.cfg.Layers, 1} {
			for _, chunk := range []int{m.cfg.HeadChunk(), 2} {
				m.KeepLayers(kept)
				m.chunk = chunk
				m.ZeroGrads()
				pass, err := m.LogProbs(pack(groups), 0.7, true)
				if err != nil {
					t.Fatal(err)
				}
				got, err := pass.RowNorms(sequences(groups), []NormKind{exactKind(m)}, nil)
				if err != nil {
					t.Fatal(err)
				}
				nearNorms(t, fmt.Sprintf("%d layers kept, chunks of %d", kept, chunk), got[0], want, within(m.b))
				if err := pass.Backward(dlogp, dentropy); err != nil {
					t.Fatal(err)
				}
				m.FinishGrads()
				for _, w := range m.Params() {
					if w.Trainable && !sameBits(m.Read(w, w.Grad), grads[w.Name]) {
						t.Errorf("after row norms the gradient of %s has other bits", w.Name)
					}
				}
			}
		}
	})
}

// TestRowNormsOfSomeTensors: only what is trained counts, tensor by tensor.
func TestRowNormsOfSomeTensors(t *testing.T) {
	for _, tied := range []bool{true, false} {
		m := newModel(t, ref.New(), tiny(tied), false)
		m.EnableGrads()
		groups := drawGroups(m.cfg.Vocab)
		for _, w := range m.Params() {
			want := gradientAlone(t, m, groups, func(x *Param) bool { return x == w })
			for _, x := range m.Params() {
				x.Trainable = x == w
			}
			got, err := m.RowNorms(pack(groups), sequences(groups), 0.7, []NormKind{NormGhost}, nil, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range m.Params() {
				x.Trainable = true
			}
			nearNorms(t, fmt.Sprintf("tied %v, %s", tied, w.Name), got[0], want, 1e-9)
		}
		m.Close()
	}
}

// TestTiedCrossTerm: the parts of a tied embedding's gradient are not orthogonal, so the term between them is tested.
func TestTiedCrossTerm(t *testing.T) {
	groups := drawGroups(tiny(true).Vocab)
	sums := map[bool][]float64{}
	for _, tied := range []bool{true, false} {
		m, err := New(tiny(tied), ref.New(), headOfEmbedding{RandomSource(tiny(true), 5)})
		if err != nil {
			t.Fatal(err)
		}
		m.EnableGrads()
		sums[tied] = gradientAlone(t, m, groups, func(w *Param) bool { return w == m.embed || w == m.head })
		m.Close()
	}
	for i := range sums[true] {
		if math.Abs(sums[true][i]/sums[false][i]-1) < 1e-3 {
			t.Errorf("row %d: %g tied, %g apart: no cross term", i, sums[true][i], sums[false][i])
		}
	}
}

// headOfEmbedding gives the embedding as the head too.
type headOfEmbedding struct{ Source }

func (s headOfEmbedding) Tensor(name string, shape ...int) ([]float32, error) {
	if name == "lm_head.weight" {
		name = "model.embed_tokens.weight"
	}
	return s.Source.Tensor(name, shape...)
}

// TestGhostCompletion: without the prompt's rows it is ghost of the part that lies in the completion's rows, and equal to
// ghost for the head, which has none.
func TestGhostCompletion(t *testing.T) {
	for name, b := range backends() {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, b, tiny(true), false)
			defer m.Close()
			m.EnableGrads()
			groups := drawGroups(m.cfg.Vocab)
			seqs := sequences(groups)
			got, err := m.RowNorms(pack(groups), seqs, 0.7, []NormKind{NormGhost, NormGhostCompletion}, nil, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range seqs {
				if !(got[1][i] > 0) || math.Abs(got[1][i]/got[0][i]-1) < 1e-6 {
					t.Errorf("row %d: %g without its prompt, %g with it", i, got[1][i], got[0][i])
				}
			}
			for _, w := range m.Params() { // k_proj of layer 1: its rows' gradients, from each row alone
				w.Trainable = w == m.layers[1].k.w
			}
			part, err := m.RowNorms(pack(groups), seqs, 0.7, []NormKind{NormGhostCompletion}, nil, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			nearNorms(t, "k_proj of layer 1", part[0], completionPart(t, m, groups), within(b))
		})
	}
}

// completionPart is |Σ_{r in the completion} dk_r·h_rᵀ|² of k_proj of the last layer, by leaving the prompt out of the sum.
func completionPart(t *testing.T, m *Model, groups []group) (out []float64) {
	t.Helper()
	for i, p := range alone(groups) {
		prompt := 0
		for _, g := range groups {
			if i < len(g.completions) {
				prompt = len(g.prompt)
				break
			}
			i -= len(g.completions)
		}
		pass, err := m.LogProbs(p, 0.7, true)
		if err != nil {
			t.Fatal(err)
		}
		tmp := &scratch{b: m.b}
		dx := tmp.alloc(len(p.IDs) * m.cfg.Hidden)
		m.headGrad(dx, pass.last, p, 0.7, ones(len(p.Out)), nil, nil, units{})
		s := &cutSink{squares: squares{b: m.b, m: m, runs: []compute.Rows{{From: prompt, To: len(p.IDs)}}, sums: []float64{0}}, only: m.layers[1].k.w}
		pass.layersGrad(tmp, dx, s)
		out = append(out, s.sums[0])
		tmp.free()
		pass.Release()
	}
	return out
}

// cutSink runs the whole backward pass and sums explicit gradients of one matrix over a run.
type cutSink struct {
	squares
	only *Param
}

func (s *cutSink) matrix(w *Param, dy, x compute.Buf) {
	if w != s.only {
		return
	}
	n, k, r := w.Shape[0], w.Shape[1], s.runs[0]
	g := s.b.NewWeight(n, k)
	s.b.MatMulGradW(g, s.b.Slice(dy, r.From*n, r.To*n), s.b.Slice(x, r.From*k, r.To*k), []int{r.To - r.From})
	s.sums[0] += s.b.SumSquares(g.Data)
	s.b.Free(g.Data)
}

func (s *cutSink) norm(g *Param, dx, dy, x compute.Buf, rows int, eps float32) {
	s.b.RMSNormGrad(dx, nil, dy, x, g.Data, rows, eps)
}

// TestForwardNorms: len, energy and head from the statistics, head_exact from the gradient of an untied head.
func TestForwardNorms(t *testing.T) {
	for name, b := range backends() {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, b, tiny(false), false)
			defer m.Close()
			m.EnableGrads()
			groups := drawGroups(m.cfg.Vocab)
			p, seqs := pack(groups), sequences(groups)
			kinds := []NormKind{NormLen, NormEnergy, NormHead, NormHeadExact}
			got, err := m.RowNorms(p, seqs, 1, kinds, nil, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			pass, err := m.LogProbs(p, 1, true)
			if err != nil {
				t.Fatal(err)
			}
			defer pass.Release()
			want := make([][]float64, 4)
			for _, s := range seqs {
				var energies, heads float64
				for o := s.Out.From; o < s.Out.To; o++ {
					d, h := logitGradient(m, pass, o)
					e := dot(d, d)
					energies += e
					heads += e * dot(h, h)
				}
				want[0] = append(want[0], float64(s.Out.To-s.Out.From))
				want[1], want[2] = append(want[1], energies), append(want[2], heads)
			}
			for _, q := range alone(groups) {
				m.ZeroGrads()
				one, err := m.LogProbs(q, 1, true)
				if err == nil {
					err = one.Backward(ones(len(q.Out)), nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				want[3] = append(want[3], m.b.SumSquares(m.head.Grad))
			}
			for i, kind := range kinds {
				nearNorms(t, string(kind), got[i], want[i], max(1e-5, within(b)))
			}
		})
	}
}

// logitGradient is ∂log p/∂logits of an output at temperature 1, and the head's input there.
func logitGradient(m *Model, p *Pass, o int) (d, h []float64) {
	tmp := scratch{b: m.b}
	defer tmp.free()
	x, logits := tmp.allocActs(m.cfg.Hidden), tmp.allocUnset(m.cfg.Vocab)
	m.b.RMSNorm(x, m.b.Slice(p.last, o*m.cfg.Hidden, (o+1)*m.cfg.Hidden), m.norm.Data, 1, m.cfg.NormEps)
	m.b.MatMul(logits, x, m.head.weight(), 1, false)
	m.b.TokenStatsGrad(logits, m.cfg.Vocab, 1, p.p.Target[o:o+1], []float32{1}, nil)
	wide := tmp.allocUnset(m.cfg.Hidden)
	m.b.Copy(wide, x)
	return read(m.b, logits), read(m.b, wide)
}

func read(b compute.Backend, x compute.Buf) (out []float64) {
	data := make([]float32, x.Len())
	b.Download(data, x)
	for _, v := range data {
		out = append(out, float64(v))
	}
	return out
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// TestRecordedRowNorms: from what generation left behind, the same bits as from a forward pass.
func TestRecordedRowNorms(t *testing.T) {
	for name, b := range backends() {
		for _, adapter := range []bool{false, true} {
			for _, layers := range []int{1, 2} {
				t.Run(fmt.Sprintf("%s/adapter=%v/layers=%d", name, adapter, layers), func(t *testing.T) {
					m := newModel(t, b, tiny(true), adapter)
					defer m.Close()
					m.EnableGrads()
					groups := drawGroups(m.cfg.Vocab)
					p, seqs := pack(groups), sequences(groups)
					r := m.NewRecording(2*len(p.IDs), layers)
					defer r.Free()
					m.Record(r)
					cache := m.NewCache(100)
					m.b.Free(m.Prefill(cache, p, refsOf(len(p.IDs))))
					m.Record(nil)
					m.b.FreeCache(cache)
					rows := make([]int32, len(p.IDs))
					for i := range rows {
						rows[i] = int32(i)
					}
					kinds := []NormKind{NormLen, NormEnergy, NormHead, NormHeadExact, exactKind(m)}
					got, err := m.RowNorms(p, seqs, 0.7, kinds, nil, r, rows)
					if err != nil {
						t.Fatal(err)
					}
					want, err := m.RowNorms(p, seqs, 0.7, kinds, nil, nil, nil)
					if err != nil {
						t.Fatal(err)
					}
					for i := range kinds {
						if !slices.Equal(got[i], want[i]) {
							t.Errorf("%s: %v recorded, %v run", kinds[i], got[i], want[i])
						}
					}
					m.Updated()
					if _, err := m.RowNorms(p, seqs, 0.7, kinds, nil, r, rows); err == nil {
						t.Error("a recording of weights before the last step was accepted")
					}
				})
			}
		}
	}
}

// refsOf are places in a cache for so many rows, a page after the other.
func refsOf(rows int) []compute.RowRef {
	out := make([]compute.RowRef, rows)
	for i := range out {
		out[i] = compute.RowRef{Page: int32(i / compute.Page), Slot: int32(i % compute.Page)}
	}
	return out
}

func TestRowNormsRefuse(t *testing.T) {
	full, lora := newModel(t, ref.New(), tiny(true), false), newModel(t, ref.New(), tiny(true), true)
	defer full.Close()
	defer lora.Close()
	groups := drawGroups(full.cfg.Vocab)
	p, seqs := pack(groups), sequences(groups)
	ask := func(m *Model, seqs []Sequence, kind NormKind) error {
		_, err := m.RowNorms(p, seqs, 1, []NormKind{kind}, nil, nil, nil)
		return err
	}
	for _, c := range []struct {
		name, want string
		got        func() error
	}{
		{"nothing trained", "want EnableGrads before", func() error { return ask(full, seqs, NormGhost) }},
		{"lora without an adapter", "want ghost", func() error { return ask(full, seqs, NormLoRA) }},
		{"ghost beside an adapter", "want lora", func() error { return ask(lora, seqs, NormGhost) }},
		{"unknown", `kind "norm", want one of ["len"`, func() error { return ask(full, seqs, "norm") }},
		{"short", "sequences cover", func() error { return ask(full, seqs[:1], NormLen) }},
		{"out of order", "sequence 0: outputs 5", func() error { return ask(full, seqs[1:], NormLen) }},
		{"not kept", "want LogProbs with keep", func() error {
			pass, err := full.LogProbs(p, 1, false)
			if err == nil {
				_, err = pass.RowNorms(seqs, []NormKind{NormLen}, nil)
			}
			return err
		}},
	} {
		if err := c.got(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
