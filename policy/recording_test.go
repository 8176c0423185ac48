package policy

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy/adapter"
)

// recordedBatch samples three answers of each prompt and records them.
func recordedBatch(t *testing.T, m *Model, r *Recording, maxRunning int) Batch {
	t.Helper()
	b := Batch{Recording: r, Temperature: 0.9}
	var reqs []Request
	for i, text := range []string{"what is 2+2?", "a longer prompt, of more than one page, about nothing in particular", "7"} {
		reqs = append(reqs, Request{Prompt: m.Encode(text), Samples: 3, Slot: uint32(i)})
		b.Prompts = append(b.Prompts, reqs[i].Prompt)
	}
	d := Decoding{MaxTokens: 20, Seed: 4, MaxRunning: maxRunning, Record: r}
	d.Temperature = 0.9
	b.Rows = make([]Row, 9)
	for c, err := range m.Generate(context.Background(), reqs, d, nil) {
		if err != nil {
			t.Fatal(err)
		}
		b.Rows[3*c.Request+c.Sample] = Row{Prompt: c.Request, Tokens: c.Tokens, Recorded: c.Recorded}
	}
	return b
}

// learned gives the statistics and gradients of a batch.
func learned(t *testing.T, m *Model, b Batch) ([]float32, map[string][]float32) {
	t.Helper()
	n := 0
	for _, r := range b.Rows {
		n += len(r.Tokens)
	}
	dlogp, dentropy := make([]float32, n), make([]float32, n)
	for i := range dlogp {
		dlogp[i], dentropy[i] = float32(math.Sin(float64(i))), float32(math.Cos(float64(i)))
	}
	m.ZeroGrads()
	tokens, err := m.Learn(b, dlogp, dentropy)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.FinishGrads(); err != nil {
		t.Fatal(err)
	}
	grads := map[string][]float32{}
	for _, p := range m.Params() {
		if p.Trainable {
			grads[p.Name] = m.Read(p, p.Grad)
		}
	}
	return slices.Concat(tokens.LogP, tokens.Entropy, tokens.SumP2), grads
}

// TestRecordedLearningHasTheSameBits: learning from what generation left behind, and from a forward pass of its own.
func TestRecordedLearningHasTheSameBits(t *testing.T) {
	for _, half := range []bool{false, true} {
		for _, lora := range []bool{false, true} {
			for _, layers := range []int{1, 100} {
				for _, running := range []int{2, 100} {
					t.Run(fmt.Sprintf("bf16=%v/lora=%v/layers=%d/running=%d", half, lora, layers, running), func(t *testing.T) {
						b, err := cpu.Open(cpu.Options{Threads: 2, BF16: half})
						if err != nil {
							t.Fatal(err)
						}
						m, err := Open("builtin:tiny", b)
						if err != nil {
							t.Fatal(err)
						}
						defer m.Close()
						if lora {
							if err := m.AttachLoRA(adapter.LoRA{Rank: 4, Alpha: 8, Targets: []string{"q_proj", "down_proj"}}, 3); err != nil {
								t.Fatal(err)
							}
						}
						m.EnableGrads()
						r := m.NewRecording(400, layers)
						defer r.Free()
						batch := recordedBatch(t, m, r, running)
						if batch.recorded() == nil {
							t.Fatal("nothing was recorded")
						}
						got, gotGrads := learned(t, m, batch)
						batch.Recording = nil
						want, wantGrads := learned(t, m, batch)
						if !slices.Equal(got, want) {
							t.Error("statistics differ")
						}
						for name := range wantGrads {
							if !slices.Equal(gotGrads[name], wantGrads[name]) {
								t.Errorf("the gradient of %s differs", name)
							}
						}
						batch.Recording = r
						m.Updated()
						if _, err := m.Learn(batch, make([]float32, len(want)/3), nil); err == nil {
							t.Error("a recording of weights before the last step was accepted")
						}
					})
				}
			}
		}
	}
}

// TestTooSmallRecordingIsNotUsed: the forward pass is run instead.
func TestTooSmallRecordingIsNotUsed(t *testing.T) {
	m, err := Open("builtin:tiny", cpu.New(2))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.EnableGrads()
	r := m.NewRecording(60, 1)
	defer r.Free()
	b := recordedBatch(t, m, r, 100)
	if r.Whole() || b.recorded() != nil {
		t.Error("60 rows held everything")
	}
	learned(t, m, b)
}
