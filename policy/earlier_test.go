package policy

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy/adapter"
)

// TestEarlier: a model as it stood has the log-probs that it had, to the bit, while the model goes on; another process
// finds it in its file.
func TestEarlier(t *testing.T) {
	for _, half := range []bool{false, true} {
		for _, lora := range []bool{false, true} {
			t.Run(fmt.Sprintf("bf16=%v/lora=%v", half, lora), func(t *testing.T) {
				m, e := openEarlier(t, half, lora)
				b := Batch{Prompts: [][]int32{{5, 6, 7}}, Rows: []Row{{Tokens: []int32{8, 9, 10, 11}}, {Tokens: []int32{9}}}}
				logp := func(f func(Batch) (*Tokens, error)) []float32 {
					tokens, err := f(b)
					if err != nil {
						t.Fatal(err)
					}
					return tokens.LogP
				}
				now := func(b Batch) (*Tokens, error) { return m.LogProbs(b, false) }
				for range 2 {
					move(m)
					if err := e.Update(); err != nil {
						t.Fatal(err)
					}
					stood := logp(now)
					move(m)
					went := logp(now)
					if sameBits(stood, went) {
						t.Fatal("the model did not move, so nothing is tested")
					}
					if got := logp(e.LogProbs); !sameBits(got, stood) {
						t.Errorf("log-probs %v, want %v", got, stood)
					}
					if got := logp(now); !sameBits(got, went) {
						t.Errorf("afterwards the model's log-probs are %v, want %v", got, went)
					}
				}
				path := filepath.Join(t.TempDir(), "earlier.safetensors")
				if err := e.Save(path); err != nil {
					t.Fatal(err)
				}
				_, again := openEarlier(t, half, lora)
				if err := again.Load(path); err != nil {
					t.Fatal(err)
				}
				if got, want := logp(again.LogProbs), logp(e.LogProbs); !sameBits(got, want) {
					t.Errorf("from the file log-probs %v, want %v", got, want)
				}
			})
		}
	}
}

// openEarlier gives a trained model and its earlier self: a frozen second model, or a copy of the adapter.
func openEarlier(t *testing.T, half, lora bool) (*Model, *Earlier) {
	t.Helper()
	b, err := cpu.Open(cpu.Options{Threads: 2, BF16: half})
	if err != nil {
		t.Fatal(err)
	}
	open := func() *Model {
		m, err := Open("builtin:tiny", b)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		return m
	}
	m := open()
	if !lora {
		m.EnableGrads()
		second := open()
		second.Freeze()
		e, err := m.In(second)
		if err != nil {
			t.Fatal(err)
		}
		return m, e
	}
	if err := m.AttachLoRA(adapter.LoRA{Rank: 4, Alpha: 8, Targets: []string{"q_proj", "down_proj"}}, 3); err != nil {
		t.Fatal(err)
	}
	m.EnableGrads()
	e, err := m.CopyAdapter()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Free)
	return m, e
}

// move changes all trained weights.
func move(m *Model) {
	for _, p := range m.Params() {
		if !p.Trainable {
			continue
		}
		w := m.Read(p, p.Data)
		for i := range w {
			w[i] = 1.02*w[i] + 0.001*float32(i%7)
		}
		m.Write(p, p.Data, w)
	}
}
