package decoder

import (
	"fmt"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
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

// learnOn is trainOn through Learn, and without entropy's gradient.
func learnOn(t testing.TB, m *Model, p Packed, once bool) (stats compute.Stats, grads map[string][]float32) {
	t.Helper()
	m.EnableGrads()
	m.ZeroGrads()
	dlogp, _ := outGrads(len(p.Out))
	if once {
		var err error
		if stats, err = m.Learn(p, 0.7, dlogp); err != nil {
			t.Fatal(err)
		}
	} else {
		pass, err := m.LogProbs(p, 0.7, true)
		if err == nil {
			stats = pass.Stats
			err = pass.Backward(dlogp, nil)
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
	m := newModel(t, backends()["cpu"], tiny(true), false)
	defer m.Close()
	m.EnableGrads()
	p := pack(drawGroups(m.cfg.Vocab))
	if _, err := m.Learn(p, 1, make([]float32, len(p.Out)-1)); err == nil {
		t.Error("too few gradients were accepted")
	}
	p.Target[0] = int32(m.cfg.Vocab)
	if _, err := m.Learn(p, 1, make([]float32, len(p.Out))); err == nil {
		t.Error("a target outside the vocabulary was accepted")
	}
}

// BenchmarkLearn is a step of a small model with a large head: logits twice, once, and with all layers but one run again.
func BenchmarkLearn(b *testing.B) {
	c := mid
	c.Layers, c.Vocab, c.MaxPositions = 6, 8000, 1024
	for _, v := range []struct {
		name string
		once bool
		keep int
	}{{"logits=twice/kept=all", false, c.Layers}, {"logits=once/kept=all", true, c.Layers}, {"logits=once/kept=1", true, 1}} {
		b.Run(v.name, func(b *testing.B) {
			m := newModel(b, backends()["cpu"], c, false)
			defer m.Close()
			m.EnableGrads()
			m.KeepLayers(v.keep)
			p := pack(drawGroups(1900))
			dlogp, _ := outGrads(len(p.Out))
			for b.Loop() {
				var err error
				if v.once {
					_, err = m.Learn(p, 1, dlogp)
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
