package policy

import (
	"slices"
	"strings"
	"testing"
)

// trainOn scores batches and adds their gradients, as one optimizer step.
func trainOn(t testing.TB, m *Model, batches ...Batch) (logp, grads []float32) {
	t.Helper()
	m.EnableGrads()
	m.ZeroGrads()
	for _, b := range batches {
		tokens, err := m.LogProbs(b, true)
		if err != nil {
			t.Fatal(err)
		}
		d := make([]float32, len(tokens.LogP))
		for i := range d { // depends on the token, not on its place in the batch
			d[i] = 0.5 + tokens.LogP[i]/10
		}
		logp = append(logp, tokens.LogP...)
		if err := tokens.Backward(d, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.FinishGrads(); err != nil {
		t.Fatal(err)
	}
	return logp, gradients(m)
}

// TestTrainMarks: a marked row gives the log-probs of its marked tokens alone, of the same bits; the others are context.
func TestTrainMarks(t *testing.T) {
	m := newModel(t, 2)
	b := someBatch()
	tokens, err := m.LogProbs(b, false)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{9, 0, 1, 2, 20}; !slices.Equal(tokens.Lengths, want) {
		t.Errorf("lengths %v, want %v", tokens.Lengths, want)
	}
	if want := 17 + 8 + 1 + 3 + 16 + 19; tokens.Computed != want {
		t.Errorf("%d rows computed, want %d: prompts once, rows without their last token", tokens.Computed, want)
	}
	b.Rows[3].Train = nil
	all := logProbs(t, m, b)
	want := slices.Concat(all[:10], []float32{all[11], all[13]}, all[14:])
	if !sameBits(tokens.LogP, want) || len(tokens.Entropy) != len(want) || len(tokens.SumP2) != len(want) {
		t.Errorf("log-probs %v, want %v", tokens.LogP, want)
	}
}

// TestSplitAndThreadsChangeNoBit of log-probs and gradients, full or with an adapter.
func TestSplitAndThreadsChangeNoBit(t *testing.T) {
	for _, lora := range []bool{false, true} {
		build := func(threads int) *Model {
			m := newModel(t, threads)
			if lora {
				withAdapter(t, m)
			}
			return m
		}
		b := someBatch()
		logp, grads := trainOn(t, build(2), b)
		var parts []Batch
		for i, prompt := range b.Prompts {
			part := Batch{Prompts: [][]int32{prompt}, Temperature: b.Temperature}
			for _, r := range b.Rows {
				if r.Prompt == i {
					r.Prompt = 0
					part.Rows = append(part.Rows, r)
				}
			}
			parts = append(parts, part)
		}
		for _, threads := range []int{1, 3} {
			if l, g := trainOn(t, build(threads), parts...); !sameBits(l, logp) || !sameBits(g, grads) {
				t.Errorf("lora %v, %d threads: split by prompts gives other bits: log-probs %v, gradients %v", lora, threads, sameBits(l, logp), sameBits(g, grads))
			}
		}
	}
}

// TestWithoutAdapter: switched off, the adapter leaves the bits of the model it was attached to.
func TestWithoutAdapter(t *testing.T) {
	base, m := newModel(t, 2), withAdapter(t, newModel(t, 2))
	want := logProbs(t, base, someBatch())
	tokens, err := m.LogProbsWithoutAdapter(someBatch())
	if err != nil || !sameBits(tokens.LogP, want) {
		t.Errorf("switched off: other log-probs than the base's (error %v)", err)
	}
	if sameBits(logProbs(t, m, someBatch()), want) {
		t.Error("switched on again: still the base's log-probs")
	}
	if _, err := m.LogProbsWithoutAdapter(Batch{}); err == nil {
		t.Error("an empty batch is accepted")
	}
	if !m.CanSwitchAdapterOff() || base.CanSwitchAdapterOff() {
		t.Error("only a fresh adapter gives the reference")
	}
}

func TestTrainedElements(t *testing.T) {
	m := newModel(t, 1)
	full := m.TrainedElements()
	withAdapter(t, m)
	if n := m.TrainedElements(); n >= full || n == 0 {
		t.Errorf("%d elements with an adapter, %d without", n, full)
	}
}

func TestBadBatches(t *testing.T) {
	m := newModel(t, 1)
	prompt := drawIDs(5, 1)
	row := func(prompt, n int) Row { return Row{Prompt: prompt, Tokens: drawIDs(n, 2)} }
	for _, c := range []struct {
		name, want string
		b          Batch
	}{
		{"no prompts", "no tokens", Batch{}},
		{"empty prompt", "prompt 1 is empty", Batch{Prompts: [][]int32{prompt, {}}, Rows: []Row{row(0, 2), row(1, 2)}}},
		{"order", "row 1 belongs to prompt 0, want 0 to 1 in rising order", Batch{Prompts: [][]int32{prompt, prompt}, Rows: []Row{row(1, 2), row(0, 2)}}},
		{"no such prompt", "row 0 belongs to prompt 3", Batch{Prompts: [][]int32{prompt}, Rows: []Row{row(3, 2)}}},
		{"negative prompt", "row 0 belongs to prompt -1", Batch{Prompts: [][]int32{prompt}, Rows: []Row{row(-1, 2)}}},
		{"marks", "row 0: marks for 1 tokens, want 2", Batch{Prompts: [][]int32{prompt}, Rows: []Row{{Tokens: drawIDs(2, 1), Train: []bool{true}}}}},
		{"target id", "target 1: token id 442", Batch{Prompts: [][]int32{prompt}, Rows: []Row{{Tokens: []int32{1, 442}}}}},
		{"input id", "row 5: token id -1", Batch{Prompts: [][]int32{prompt}, Rows: []Row{{Tokens: []int32{-1, 2}}}}},
		{"too long", "position 128", Batch{Prompts: [][]int32{prompt}, Rows: []Row{row(0, 125)}}},
		{"temperature", "temperature -1", Batch{Prompts: [][]int32{prompt}, Rows: []Row{row(0, 2)}, Temperature: -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := m.LogProbs(c.b, false); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	if got := logProbs(t, m, Batch{Prompts: [][]int32{prompt}, Rows: []Row{{}}}); len(got) != 0 {
		t.Errorf("an empty row has log-probs %v", got)
	}
	if err := m.CheckIDs([]int32{0, 441}); err != nil {
		t.Error(err)
	}
	if err := m.CheckIDs([]int32{0, 442}); err == nil || !strings.Contains(err.Error(), "token 1 is id 442, want 0 to 441") {
		t.Errorf("id 442: error %v", err)
	}
}

func TestReleaseAndBackward(t *testing.T) {
	m := newModel(t, 1)
	m.EnableGrads()
	tokens, err := m.LogProbs(someBatch(), true)
	if err != nil {
		t.Fatal(err)
	}
	tokens.Release()
	tokens.Release()
	if err := tokens.Backward(make([]float32, len(tokens.LogP)), nil); err == nil {
		t.Error("backward after release is accepted")
	}
}
