package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/policy/decoder"
)

// TestHiddenGivesEveryPromptOnce whatever the micro-batch, with the same bits; a bound below a prompt's length gives that
// prompt alone.
func TestHiddenGivesEveryPromptOnce(t *testing.T) {
	m := withAdapter(t, newModel(t, 2))
	prompts := [][]int32{drawIDs(17, 1), drawIDs(1, 2), drawIDs(40, 3), drawIDs(5, 4)}
	var want [][]float32
	for _, rows := range []int{1, 23, 1000} {
		var got [][]float32
		err := m.Hidden(prompts, decoder.FinalNormOut, rows, func(i int, h Matrix) error {
			if i != len(got) || h.Rows != len(prompts[i]) || h.Cols != m.Config().Hidden || len(h.Data) != h.Rows*h.Cols {
				t.Fatalf("call %d: prompt %d, %d rows of %d", len(got), i, h.Rows, h.Cols)
			}
			got = append(got, slices.Clone(h.Data))
			return nil
		})
		if err != nil || len(got) != len(prompts) {
			t.Fatalf("%d prompts, error %v", len(got), err)
		}
		if want == nil {
			want = got
		}
		for i := range got {
			if !sameBits(got[i], want[i]) {
				t.Errorf("micro-batches of %d rows: prompt %d has other bits", rows, i)
			}
		}
	}
	var without []float32
	err := m.dec.WithoutAdapter(func() error {
		return m.Hidden(prompts[:1], decoder.FinalNormOut, 100, func(_ int, h Matrix) error {
			without = slices.Clone(h.Data)
			return nil
		})
	})
	if err != nil || sameBits(without, want[0]) {
		t.Errorf("the adapter changes nothing (%v)", err)
	}
}

func TestHiddenStopsAtAnError(t *testing.T) {
	m := newModel(t, 1)
	boom := errors.New("boom")
	calls := 0
	err := m.Hidden([][]int32{{1}, {2}, {3}}, decoder.LastBlockOut, 2, func(int, Matrix) error { calls++; return boom })
	if !errors.Is(err, boom) || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
	if err := m.Hidden([][]int32{{1}, {}}, decoder.LastBlockOut, 2, nil); err == nil || !strings.Contains(err.Error(), "prompt 1 is empty") {
		t.Errorf("error %v", err)
	}
}

// TestFingerprint: equal weights have equal ones, and every weight counts, the adapter's too.
func TestFingerprint(t *testing.T) {
	a, b := newModel(t, 1), newModel(t, 2)
	if a.Fingerprint() != b.Fingerprint() {
		t.Error("equal models have different fingerprints")
	}
	p := b.Params()[len(b.Params())-1]
	rows := b.Read(p, p.Data)
	rows[len(rows)-1] += 1e-3
	b.Write(p, p.Data, rows)
	if a.Fingerprint() == b.Fingerprint() {
		t.Error("another weight has the same fingerprint")
	}
	before := a.Fingerprint()
	if withAdapter(t, a); a.Fingerprint() == before {
		t.Error("an adapter has no part in the fingerprint")
	}
}
