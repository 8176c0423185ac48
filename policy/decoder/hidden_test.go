package decoder

import (
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

// TestHiddenStatesAreThoseOfTransformers compares every tap with testdata/make_hidden.py, of packed sequences.
func TestHiddenStatesAreThoseOfTransformers(t *testing.T) {
	want := readGolden(t, "hidden")
	for name, b := range everyBackend() {
		for _, file := range []string{"tied", "untied"} {
			g := readGolden(t, file)
			m, err := New(g.cfg, b, g)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			for _, tap := range Taps {
				t.Run(name+"/"+file+"/"+string(tap), func(t *testing.T) {
					got, err := m.Hidden(g.packed(), tap)
					if err != nil {
						t.Fatal(err)
					}
					expected := want.floats[file+"."+string(tap)]
					limit := 1e-5
					if isHalf(b) {
						limit = 0.05
					}
					if e := maxDiff(got, expected) / maxAbs(expected); !(e <= limit) {
						t.Errorf("off by %.2g of the largest, want at most %g", e, limit)
					}
				})
			}
		}
	}
}

// TestHiddenStatesDontDependOnTheBatch: alone, packed, on another number of threads, and beside what training computes.
func TestHiddenStatesDontDependOnTheBatch(t *testing.T) {
	g := readGolden(t, "tied")
	one, err := New(g.cfg, cpu.New(1), g)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	many, err := New(g.cfg, cpu.New(3), g)
	if err != nil {
		t.Fatal(err)
	}
	defer many.Close()
	p := g.packed()
	for _, tap := range Taps {
		packed, err := many.Hidden(p, tap)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Segs {
			alone := Packed{IDs: p.IDs[s.Start:][:s.Len], Pos: p.Pos[s.Start:][:s.Len], Segs: []compute.Segment{{Len: s.Len}}}
			got, err := one.Hidden(alone, tap)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, packed[s.Start*g.cfg.Hidden:][:len(got)]) {
				t.Errorf("%s: the sequence of %d tokens has other bits alone", tap, s.Len)
			}
		}
	}
	pass, err := many.LogProbs(p, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	defer pass.Release()
	trained := make([]float32, pass.last.Len())
	many.b.Download(trained, pass.last)
	if block, err := many.Hidden(p, LastBlockOut); err != nil || !slices.Equal(block, trained) {
		t.Errorf("training has another residual stream (%v)", err)
	}
}

func TestHiddenRefuses(t *testing.T) {
	g := readGolden(t, "tied")
	m, err := New(g.cfg, cpu.New(1), g)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	bad := g.packed()
	bad.IDs = slices.Clone(bad.IDs)
	bad.IDs[3] = int32(g.cfg.Vocab)
	if _, err := m.Hidden(bad, FinalNormOut); err == nil || !strings.Contains(err.Error(), "row 3: token id 101") {
		t.Errorf("error %v, want one about row 3", err)
	}
	if _, err := m.Hidden(g.packed(), "middle"); err == nil || !strings.Contains(err.Error(), `tap "middle", want one of final_norm_out`) {
		t.Errorf("error %v, want one that lists the taps", err)
	}
}
