package decoder

import (
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// ledger counts the bytes of a backend's live buffers. With idle set it skips the head's arithmetic, whose results
// this test doesn't read.
type ledger struct {
	compute.Backend
	idle       int // skip products with a matrix of this many outputs
	live, peak int
}

func (l *ledger) count(n int) {
	l.live += 4 * n
	l.peak = max(l.peak, l.live)
}

func (l *ledger) Alloc(n int) compute.Buf      { l.count(n); return l.Backend.Alloc(n) }
func (l *ledger) AllocUnset(n int) compute.Buf { l.count(n); return l.Backend.AllocUnset(n) }
func (l *ledger) AllocActs(n int) compute.Buf  { l.count(n); return l.Backend.AllocActs(n) }
func (l *ledger) Free(b compute.Buf)           { l.count(-b.Len()); l.Backend.Free(b) }

func (l *ledger) NewWeight(n, k int) compute.Weight {
	w := l.Backend.NewWeight(n, k)
	l.count(w.Data.Len())
	return w
}

func (l *ledger) NewHalf(n, k int) compute.Buf {
	h := l.Backend.NewHalf(n, k)
	if h != nil {
		l.count(h.Len())
	}
	return h
}

func (l *ledger) MatMul(y, x compute.Buf, w compute.Weight, rows int, add bool) {
	if w.N != l.idle {
		l.Backend.MatMul(y, x, w, rows, add)
	}
}

func (l *ledger) MatMulGradX(dx, dy compute.Buf, w compute.Weight, rows int, add bool) {
	if w.N != l.idle {
		l.Backend.MatMulGradX(dx, dy, w, rows, add)
	}
}

func (l *ledger) MatMulGradW(w compute.Weight, dy, x compute.Buf, runs []int) {
	if w.N != l.idle {
		l.Backend.MatMulGradW(w, dy, x, runs)
	}
}

func (l *ledger) TokenStats(logits compute.Buf, v int, temperature float32, target []int32) compute.Stats {
	if v != l.idle {
		return l.Backend.TokenStats(logits, v, temperature, target)
	}
	z := make([]float32, len(target))
	return compute.Stats{LogP: z, Entropy: z, SumP2: z}
}

func (l *ledger) TokenStatsGrad(logits compute.Buf, v int, temperature float32, target []int32, dlogp, dentropy []float32) {
	if v != l.idle {
		l.Backend.TokenStatsGrad(logits, v, temperature, target, dlogp, dentropy)
	}
}

// wide is a small model with the vocabulary of Qwen2.5.
var wide = Config{ModelType: "llama", Hidden: 16, Inner: 16, Layers: 1, Heads: 1, KVHeads: 1, HeadDim: 16, Vocab: 151936, MaxPositions: 4096,
	NormEps: 1e-6, RopeTheta: 10000, Tied: true, InitStd: 0.02, BOS: NoToken, PAD: NoToken}

// wideBatch has 4,096 trained tokens in sequences of 64.
func wideBatch() Packed {
	var p Packed
	for range 64 {
		p.segment(make([]int32, 64), 0, compute.Segment{})
	}
	for i := range p.IDs {
		p.IDs[i] = int32(i * 37)
		p.Out = append(p.Out, int32(i))
		p.Target = append(p.Target, int32(i*37+1))
	}
	return p
}

// TestHeadNeverHoldsAllLogits: 4,096 tokens at a vocabulary of 151,936, whose logits would be 2.5 GB, stay under the
// weights and their gradients plus 300 MB, forward and backward.
func TestHeadNeverHoldsAllLogits(t *testing.T) {
	const limit = 300e6
	for name, b := range backends() {
		t.Run(name, func(t *testing.T) {
			l := &ledger{Backend: b, idle: wide.Vocab}
			m, err := New(wide, l, RandomSource(wide, 1))
			if err != nil {
				t.Fatal(err)
			}
			m.EnableGrads()
			start := l.live
			a := make([]float32, 4096)
			pass, err := m.LogProbs(wideBatch(), 1, true)
			if err != nil {
				t.Fatal(err)
			}
			if err := pass.Backward(a, a); err != nil {
				t.Fatal(err)
			}
			m.FinishGrads()
			if over := l.peak - start; over > limit || over < wide.HeadChunk()*wide.Vocab*4 {
				t.Errorf("peak is %d bytes over weights and gradients, want at most %.0f and at least one chunk of logits", over, limit)
			} else {
				t.Logf("%.0f MB over %.0f MB of weights and gradients", float64(over)/1e6, float64(start)/1e6)
			}
			if l.live != start {
				t.Errorf("%d bytes are still held after the step, want 0", l.live-start)
			}
			m.Close()
			if l.live != 0 {
				t.Errorf("%d bytes are still held after Close, want 0", l.live)
			}
		})
	}
}

// TestNothingLeaks: scoring, training, generation and a released pass give everything back.
func TestNothingLeaks(t *testing.T) {
	for name, b := range backends() {
		t.Run(name, func(t *testing.T) {
			l := &ledger{Backend: b}
			m := newModel(t, l, tiny(false), true)
			groups := drawGroups(m.cfg.Vocab)
			m.EnableGrads()
			start := l.live
			replay(m, groups)
			trainOn(t, m, []Packed{pack(groups)})
			pass, err := m.LogProbs(pack(groups), 1, true)
			if err != nil {
				t.Fatal(err)
			}
			if l.live == start {
				t.Error("a kept pass holds nothing")
			}
			pass.Release()
			pass.Release()
			if l.live != start {
				t.Errorf("%d bytes are still held, want 0", l.live-start)
			}
			if err := pass.Backward(make([]float32, len(pass.p.Out)), nil); err == nil {
				t.Error("backward after release was accepted")
			}
			m.Close()
			if l.live != 0 {
				t.Errorf("%d bytes are still held after Close, want 0", l.live)
			}
		})
	}
}
