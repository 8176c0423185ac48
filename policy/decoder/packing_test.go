package decoder

import (
	"fmt"
	"math"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/internal/compute/ref"
)

// eachModel runs a test on every backend, for a tied and an untied head, with and without an adapter.
func eachModel(t *testing.T, test func(t *testing.T, m *Model)) {
	for name, b := range backends() {
		for size, c := range map[string]Config{"tied": tiny(true), "untied": tiny(false), "mid": mid} {
			if size == "mid" && name == "ref" {
				continue // slow in plain loops, which have no tiles to tell apart
			}
			for _, adapter := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/adapter=%v", name, size, adapter), func(t *testing.T) {
					m := newModel(t, b, c, adapter)
					defer m.Close()
					test(t, m)
				})
			}
		}
	}
}

// TestSharedPromptEqualsAlone: a prompt computed once collects what its copies would.
func TestSharedPromptEqualsAlone(t *testing.T) {
	eachModel(t, func(t *testing.T, m *Model) {
		groups := drawGroups(m.cfg.Vocab)
		wantLogP, want := trainOn(t, m, alone(groups))
		exact := map[string][]float64{}
		if m.b.Name() == "ref" {
			for _, p := range m.Params() {
				exact[p.Name] = append([]float64{}, ref.Data(p.Grad)...)
			}
		}
		logp, got := trainOn(t, m, []Packed{pack(groups)})
		if !sameBits(logp, wantLogP) {
			t.Errorf("log-probs of the packed batch differ by %g, want the same bits", maxDiff(logp, wantLogP))
		}
		for _, p := range m.Params() {
			if !p.Trainable {
				continue
			}
			limit := 2e-5
			if isHalf(m.b) {
				limit = 2e-2 // 8 bits of a number
			}
			if e := maxDiff(got[p.Name], want[p.Name]) / maxAbs(want[p.Name]); !(e < limit) {
				t.Errorf("gradient of %s differs by %.3g, want at most %g", p.Name, e, limit)
			}
			if m.b.Name() == "ref" {
				if e := maxDiff64(ref.Data(p.Grad), exact[p.Name]); !(e < 1e-10) {
					t.Errorf("gradient of %s differs by %.3g in float64, want at most 1e-10", p.Name, e)
				}
			}
		}
	})
}

func maxDiff64(a, b []float64) float64 {
	worst := 0.0
	for i := range a {
		if d := math.Abs(a[i] - b[i]); !(d <= worst) {
			worst = d
		}
	}
	return worst
}

// TestAnySplitGivesTheSameBits: micro-batches cut between prompts, and the head's chunks, change no bit.
func TestAnySplitGivesTheSameBits(t *testing.T) {
	eachModel(t, func(t *testing.T, m *Model) {
		g := drawGroups(m.cfg.Vocab)
		wantLogP, want := trainOn(t, m, []Packed{pack(g)})
		for name, batches := range map[string][]Packed{
			"one by one": {pack(g[:1]), pack(g[1:2]), pack(g[2:])},
			"1+2":        {pack(g[:1]), pack(g[1:])},
			"2+1":        {pack(g[:2]), pack(g[2:])},
		} {
			for _, chunk := range []int{m.cfg.HeadChunk(), 16, 1} {
				m.chunk = chunk
				logp, got := trainOn(t, m, batches)
				if !sameBits(logp, wantLogP) {
					t.Errorf("%s, chunk %d: log-probs differ by %g", name, chunk, maxDiff(logp, wantLogP))
				}
				for p := range want {
					if !sameBits(got[p], want[p]) {
						t.Errorf("%s, chunk %d: gradient of %s differs by %g", name, chunk, p, maxDiff(got[p], want[p]))
					}
				}
			}
			m.chunk = m.cfg.HeadChunk()
		}
	})
}

// TestEntropyGradientIsOptional: nil is the same as zeros, and changes what a non-zero one gives.
func TestEntropyGradientIsOptional(t *testing.T) {
	for name, b := range backends() {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, b, tiny(true), false)
			defer m.Close()
			m.EnableGrads()
			p := pack(drawGroups(m.cfg.Vocab))
			a, e := outGrads(len(p.Out))
			grad := func(dentropy []float32) []float32 {
				m.ZeroGrads()
				pass, err := m.LogProbs(p, 1, true)
				if err != nil {
					t.Fatal(err)
				}
				if err := pass.Backward(a, dentropy); err != nil {
					t.Fatal(err)
				}
				m.FinishGrads()
				return m.Read(m.embed, m.embed.Grad)
			}
			without := grad(nil)
			if zero := grad(make([]float32, len(a))); maxDiff(without, zero) > 1e-5*maxAbs(zero) {
				t.Errorf("nil differs from zeros by %g", maxDiff(without, zero))
			}
			if maxDiff(without, grad(e)) < 1e-3 {
				t.Error("the entropy's gradient changes nothing")
			}
		})
	}
}

// TestThreadsChangeNoBit: log-probs and gradients are the same for any number of threads.
func TestThreadsChangeNoBit(t *testing.T) {
	var wantLogP []float32
	var want map[string][]float32
	for _, threads := range []int{1, 2, 5} {
		m := newModel(t, cpu.New(threads), mid, false)
		logp, grads := trainOn(t, m, []Packed{pack(drawGroups(mid.Vocab))})
		m.Close()
		if want == nil {
			wantLogP, want = logp, grads
			continue
		}
		if !sameBits(logp, wantLogP) {
			t.Errorf("%d threads: log-probs differ by %g", threads, maxDiff(logp, wantLogP))
		}
		for p := range want {
			if !sameBits(grads[p], want[p]) {
				t.Errorf("%d threads: gradient of %s differs by %g", threads, p, maxDiff(grads[p], want[p]))
			}
		}
	}
}
