package decoder

import (
	"math"
	"testing"
)

// rowScales gives each row its own, one of them 0.
func rowScales(n int) []float32 {
	a, _ := outGrads(n)
	a[n/2] = 0
	return a
}

// gradsBy gives the trained gradients by name.
func gradsBy(m *Model) map[string][]float32 {
	m.FinishGrads()
	out := map[string][]float32{}
	for _, w := range m.Params() {
		if w.Trainable {
			out[w.Name] = m.Read(w, w.Grad)
		}
	}
	return out
}

// TestLearnRows: it gives the gradient that Learn gives, the statistics to the bit; and the same bits with what row norms
// held, without it, and for any cut between prompts.
func TestLearnRows(t *testing.T) {
	eachModel(t, func(t *testing.T, m *Model) {
		groups := drawGroups(m.cfg.Vocab)
		p, seqs := pack(groups), sequences(groups)
		scale := rowScales(len(seqs))
		m.EnableGrads()
		m.ZeroGrads()
		dlogp := make([]float32, len(p.Out))
		for i, s := range seqs {
			for o := s.Out.From; o < s.Out.To; o++ {
				dlogp[o] = scale[i]
			}
		}
		wantStats, err := m.Learn(p, 0.7, dlogp, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := gradsBy(m)

		m.ZeroGrads()
		stats, err := m.LearnRows(p, seqs, 0.7, scale, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := gradsBy(m)
		if !sameBits(stats.LogP, wantStats.LogP) || !sameBits(stats.SumP2, wantStats.SumP2) {
			t.Error("statistics have other bits than Learn's")
		}
		limit := 2e-5
		if isHalf(m.b) {
			limit = 4e-2 // deltas are rounded before they are scaled, in Learn after
		}
		for name := range want {
			if e := maxDiff(got[name], want[name]) / maxAbs(want[name]); !(e < limit) {
				t.Errorf("gradient of %s differs by %.3g, want at most %g", name, e, limit)
			}
		}

		held := m.NewHeld()
		norms, err := m.RowNorms(p, seqs, 0.7, []NormKind{exactKind(m)}, held, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := m.RowNorms(p, seqs, 0.7, []NormKind{exactKind(m)}, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range plain[0] {
			if math.Float64bits(norms[0][i]) != math.Float64bits(plain[0][i]) {
				t.Errorf("row %d: norm %v held, %v not", i, norms[0][i], plain[0][i])
			}
		}
		m.ZeroGrads()
		if _, err := m.LearnRows(p, seqs, 0.7, scale, held, nil, nil); err != nil {
			t.Fatal(err)
		}
		m.Updated()
		if _, err := m.LearnRows(p, seqs, 0.7, scale, held, nil, nil); err == nil {
			t.Error("what was held of weights before the last step was accepted")
		}
		held.Free()
		for name, g := range gradsBy(m) {
			if !sameBits(g, got[name]) {
				t.Errorf("gradient of %s has other bits from what was held", name)
			}
		}

		m.ZeroGrads()
		at := 0
		for i := range groups {
			part := groups[i : i+1]
			n := len(sequences(part))
			if _, err := m.LearnRows(pack(part), sequences(part), 0.7, scale[at:at+n], nil, nil, nil); err != nil {
				t.Fatal(err)
			}
			at += n
		}
		for name, g := range gradsBy(m) {
			if !sameBits(g, got[name]) {
				t.Errorf("gradient of %s has other bits group by group", name)
			}
		}
		if _, err := m.LearnRows(p, seqs, 0.7, scale[1:], nil, nil, nil); err == nil {
			t.Error("too few scales were accepted")
		}
	})
}

// TestLearnUnits: after norms by the head it gives the gradient that Learn gives, and the same bits with what they held,
// without it, for any cut between prompts, and when the same is learned twice.
func TestLearnUnits(t *testing.T) {
	eachModel(t, func(t *testing.T, m *Model) {
		groups := drawGroups(m.cfg.Vocab)
		p, seqs := pack(groups), sequences(groups)
		dlogp, _ := outGrads(len(p.Out))
		m.EnableGrads()
		m.ZeroGrads()
		wantStats, err := m.Learn(p, 0.7, dlogp, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := gradsBy(m)
		m.ZeroGrads()
		stats, err := m.LearnUnits(p, 0.7, dlogp, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := gradsBy(m)
		if !sameBits(stats.LogP, wantStats.LogP) || !sameBits(stats.SumP2, wantStats.SumP2) {
			t.Error("statistics have other bits than Learn's")
		}
		limit := 2e-5
		if isHalf(m.b) {
			limit = 4e-2
		}
		for name := range want {
			if e := maxDiff(got[name], want[name]) / maxAbs(want[name]); !(e < limit) {
				t.Errorf("gradient of %s differs by %.3g, want at most %g", name, e, limit)
			}
		}
		held := m.NewHeld()
		defer held.Free()
		if _, err := m.RowNorms(p, seqs, 0.7, []NormKind{NormHeadExact}, held, nil, nil); err != nil {
			t.Fatal(err)
		}
		if held.units == nil {
			t.Fatal("nothing is held")
		}
		for _, what := range []string{"what was held", "what was held and used up"} {
			m.ZeroGrads()
			stats, err := m.LearnUnits(p, 0.7, dlogp, held, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !sameBits(stats.LogP, wantStats.LogP) || !sameBits(stats.Entropy, wantStats.Entropy) {
				t.Errorf("statistics have other bits from %s", what)
			}
			for name, g := range gradsBy(m) {
				if !sameBits(g, got[name]) {
					t.Errorf("gradient of %s has other bits from %s", name, what)
				}
			}
		}
		m.ZeroGrads()
		at := 0
		for i := range groups {
			part := pack(groups[i : i+1])
			if _, err := m.LearnUnits(part, 0.7, dlogp[at:at+len(part.Out)], nil, nil, nil); err != nil {
				t.Fatal(err)
			}
			at += len(part.Out)
		}
		for name, g := range gradsBy(m) {
			if !sameBits(g, got[name]) {
				t.Errorf("gradient of %s has other bits group by group", name)
			}
		}
		m.Updated()
		if _, err := m.LearnUnits(p, 0.7, dlogp, held, nil, nil); err == nil {
			t.Error("what was held of weights before the last step was accepted")
		}
	})
}
