package decoder

import (
	"fmt"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

// calls counts what is computed, and the bytes that live.
type calls struct {
	ledger
	attention, heads int // forward calls of attention, products with the head
	vocab            int
}

func (c *calls) Attention(out, q, k, v compute.Buf, segs []compute.Segment, h compute.Heads) {
	c.attention++
	c.Backend.Attention(out, q, k, v, segs, h)
}

func (c *calls) MatMul(y, x compute.Buf, w compute.Weight, rows int, add bool) {
	if w.N == c.vocab {
		c.heads++
	}
	c.Backend.MatMul(y, x, w, rows, add)
}

// learnOn is trainOn of one batch, through Learn where once is true.
func learnOn(t testing.TB, m *Model, p Packed, once bool) (stats compute.Stats, grads map[string][]float32) {
	t.Helper()
	m.EnableGrads()
	m.ZeroGrads()
	dlogp, dentropy := outGrads(len(p.Out))
	if once {
		var err error
		if stats, err = m.Learn(p, 0.7, dlogp, dentropy); err != nil {
			t.Fatal(err)
		}
	} else {
		pass, err := m.LogProbs(p, 0.7, true)
		if err == nil {
			stats = pass.Stats
			err = pass.Backward(dlogp, dentropy)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	m.FinishGrads()
	grads = map[string][]float32{}
	for _, p := range m.Params() {
		if p.Trainable {
			grads[p.Name] = m.Read(p, p.Grad)
		}
	}
	return stats, grads
}

// TestKeptLayersChangeNoBit: however many layers are run again, and with logits computed once or twice, statistics and
// gradients have the same bits. Memory falls by the activations of a layer for each, and no layer runs more often than
// it must.
func TestKeptLayersChangeNoBit(t *testing.T) {
	for name, b := range backends() {
		for _, adapter := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/adapter=%v", name, adapter), func(t *testing.T) {
				c := tiny(true)
				c.Layers = 4
				l := &calls{ledger: ledger{Backend: b}, vocab: c.Vocab}
				m := newModel(t, l, c, adapter)
				defer m.Close()
				m.chunk = 16 // more than one
				p := pack(drawGroups(c.Vocab))
				rows := len(p.IDs)
				wantStats, want := learnOn(t, m, p, false)
				layer := 4 * rows * (2*c.Heads*c.HeadDim + 2*c.KVHeads*c.HeadDim + 2*c.Inner + c.Hidden)
				peak := 0
				for _, once := range []bool{false, true} {
					for n := c.Layers; n >= 1; n-- {
						m.KeepLayers(n)
						l.attention, l.heads, l.peak = 0, 0, l.live
						stats, grads := learnOn(t, m, p, once)
						what := fmt.Sprintf("%d layers kept, logits once %v", n, once)
						if !sameBits(stats.LogP, wantStats.LogP) || !sameBits(stats.Entropy, wantStats.Entropy) || !sameBits(stats.SumP2, wantStats.SumP2) {
							t.Errorf("%s: statistics differ", what)
						}
						for p := range want {
							if !sameBits(grads[p], want[p]) {
								t.Errorf("%s: gradient of %s differs by %g", what, p, maxDiff(grads[p], want[p]))
							}
						}
						if want := 2*c.Layers - n; l.attention != want {
							t.Errorf("%s: attention was computed %d times, want %d", what, l.attention, want)
						}
						if chunks := (len(p.Out) + 15) / 16; once && l.heads != chunks || !once && l.heads != 2*chunks {
							t.Errorf("%s: %d products of the head for %d chunks", what, l.heads, chunks)
						}
						if n == c.Layers {
							peak = l.peak
						} else if saved := peak - l.peak; saved != (c.Layers-n)*layer {
							t.Errorf("%s: %d bytes saved, want %d a layer", what, saved, layer)
						}
					}
				}
			})
		}
	}
}

func TestLearnWantsAGradientForEachToken(t *testing.T) {
	m := newModel(t, cpu.New(2), tiny(true), false)
	defer m.Close()
	m.EnableGrads()
	p := pack(drawGroups(m.cfg.Vocab))
	n := len(p.Out)
	if _, err := m.Learn(p, 1, make([]float32, n-1), nil); err == nil {
		t.Error("too few gradients were accepted")
	}
	if _, err := m.Learn(p, 1, make([]float32, n), make([]float32, n+1)); err == nil {
		t.Error("too many gradients of the entropy were accepted")
	}
	p.Target[0] = int32(m.cfg.Vocab)
	if _, err := m.Learn(p, 1, make([]float32, n), nil); err == nil {
		t.Error("a target outside the vocabulary was accepted")
	}
}

// BenchmarkLearn is the forward and backward pass of prompts with 8 completions of 128 tokens in SmolLM2's shape: logits
// twice or once, layers kept or run again, and in smaller micro-batches.
func BenchmarkLearn(b *testing.B) {
	m, err := New(smol, cpu.New(2), RandomSource(smol, 1))
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	m.EnableGrads()
	for _, v := range []struct {
		once        bool
		kept        int
		completions int
	}{{false, 30, 8}, {true, 30, 8}, {true, 15, 8}, {true, 1, 8}, {true, 30, 3}, {true, 30, 1}} {
		g := group{prompt: make([]int32, 96)}
		for i := range v.completions {
			g.completions = append(g.completions, make([]int32, 128))
			for j := range g.completions[i] {
				g.completions[i][j] = int32(i*7919+j*104729) % int32(smol.Vocab)
			}
		}
		p := pack([]group{g})
		b.Run(fmt.Sprintf("logits_once=%v/kept=%d/rows=%d", v.once, v.kept, len(p.IDs)), func(b *testing.B) {
			m.KeepLayers(v.kept)
			dlogp, _ := outGrads(len(p.Out))
			for b.Loop() {
				var err error
				if v.once {
					_, err = m.Learn(p, 1, dlogp, nil)
				} else if pass, e := m.LogProbs(p, 1, true); e == nil {
					err = pass.Backward(dlogp, nil)
				} else {
					err = e
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(p.IDs)*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
