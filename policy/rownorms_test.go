package policy

import (
	"math"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

// squaredGradient is that of Σ log p of one row alone.
func squaredGradient(t *testing.T, m *Model, b Batch, row int) float64 {
	t.Helper()
	r := b.Rows[row]
	one := Batch{Prompts: [][]int32{b.Prompts[r.Prompt]}, Rows: []Row{{Tokens: r.Tokens, Train: r.Train}}, Temperature: b.Temperature}
	m.ZeroGrads()
	tokens, err := m.LogProbs(one, true)
	if err != nil {
		t.Fatal(err)
	}
	d := make([]float32, len(tokens.LogP))
	for i := range d {
		d[i] = 1
	}
	if err := tokens.Backward(d, nil); err != nil {
		t.Fatal(err)
	}
	if err := m.FinishGrads(); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, g := range gradients(m) {
		sum += float64(g) * float64(g)
	}
	return sum
}

// TestRowNorms: of a batch with an empty row, a row of one token and one of which a part is trained, held or not.
func TestRowNorms(t *testing.T) {
	for _, lora := range []bool{false, true} {
		m := newModel(t, 2)
		if lora {
			withAdapter(t, m)
		}
		m.EnableGrads()
		b := someBatch()
		kinds := []NormKind{NormLen, NormEnergy, NormHead, NormHeadExact, m.ExactNorm()}
		got, err := m.RowNorms(b, kinds...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Rows {
			want := squaredGradient(t, m, b, i)
			if e := math.Abs(got[4][i] - want); !(e <= 1e-5*want) {
				t.Errorf("lora %v, row %d: %g, want %g", lora, i, got[4][i], want)
			}
		}
		if want := []float64{9, 0, 1, 2, 20}; !slices.Equal(got[0], want) {
			t.Errorf("len %v, want %v", got[0], want)
		}
		if only, err := m.RowNorms(b, NormLen); err != nil || !slices.Equal(only[0], got[0]) {
			t.Errorf("len alone %v (%v)", only, err)
		}
		tokens, err := m.LogProbs(b, true)
		if err != nil {
			t.Fatal(err)
		}
		held, err := tokens.RowNorms(kinds...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range kinds {
			if !slices.Equal(held[i], got[i]) {
				t.Errorf("%s: %v of what is held, %v of the batch", kinds[i], held[i], got[i])
			}
		}
		if err := tokens.Backward(make([]float32, len(tokens.LogP)), nil); err != nil {
			t.Error(err)
		}
		if _, err := tokens.RowNorms(NormLen); err == nil {
			t.Error("row norms after the backward pass were given")
		}
		if _, err := m.RowNorms(Batch{}, NormEnergy); err == nil {
			t.Error("an empty batch was accepted")
		}
	}
}

// TestRowNormsOfARollout: recorded rows give the bits of a forward pass of its own.
func TestRowNormsOfARollout(t *testing.T) {
	m, err := Open("builtin:tiny", cpu.New(2))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.EnableGrads()
	r := m.NewRecording(400, 2)
	defer r.Free()
	b := recordedBatch(t, m, r, 5)
	if b.recorded() == nil {
		t.Fatal("nothing was recorded")
	}
	kinds := []NormKind{NormEnergy, NormHead, NormGhost, NormGhostCompletion}
	got, err := m.RowNorms(b, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	b.Recording = nil
	want, err := m.RowNorms(b, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range kinds {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("%s: %v recorded, %v run", kinds[i], got[i], want[i])
		}
	}
}
