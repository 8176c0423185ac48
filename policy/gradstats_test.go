package policy

import (
	"math"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// groupsOf cuts a batch by prompt.
func groupsOf(b Batch) (parts []Batch) {
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
	return parts
}

// learnPart adds the gradient of a batch.
func learnPart(t *testing.T, m *Model, b Batch) {
	t.Helper()
	n := 0
	for _, r := range b.Rows {
		n += len(r.Tokens)
	}
	d := make([]float32, n)
	if b.Rows[0].Train != nil {
		d = d[:2] // someBatch marks two
	}
	for i := range d {
		d[i] = float32(math.Cos(float64(i)))
	}
	if _, err := m.Learn(b, d, nil); err != nil {
		t.Fatal(err)
	}
}

// TestGradStats: norms of each group and of the sum, plain and in a metric, are those of gradients made one by one; the sum
// lies where the optimizer reads it; a second step starts afresh.
func TestGradStats(t *testing.T) {
	for _, lora := range []bool{false, true} {
		m := newModel(t, 2)
		if lora {
			withAdapter(t, m)
		}
		m.EnableGrads()
		parts := groupsOf(someBatch())
		moments := map[*Param]compute.Buf{} // as Adam's, of some elements never seen
		var want GradNorms
		sum := []float32{}
		for k, part := range parts {
			m.ZeroGrads()
			learnPart(t, m, part)
			if err := m.FinishGrads(); err != nil {
				t.Fatal(err)
			}
			g := gradients(m)
			if k == 0 {
				sum = make([]float32, len(g))
			}
			for i := range g {
				want.Squares += float64(g[i]) * float64(g[i])
				sum[i] += g[i]
			}
		}
		for _, x := range sum {
			want.Sum += float64(x) * float64(x)
		}
		want.Groups = len(parts) + 1
		own := map[*Param]compute.Buf{}
		for _, p := range m.Params() {
			if p.Trainable {
				own[p] = p.Grad
				moments[p] = m.Backend().Alloc(p.Grad.Len())
				m.Backend().Copy(moments[p], p.Grad) // the last group's: negative and zero elements count as not seen
			}
		}
		s := m.NewGradStats()
		for _, metric := range []Metric{nil, func(p *Param, g compute.Buf) float64 {
			v, _, _ := m.Backend().AdamSquares(g, moments[p], 0.5, 1e-3)
			return v
		}} {
			m.ZeroGrads()
			s.Begin(metric)
			for _, part := range parts {
				learnPart(t, m, part)
				if err := s.Add(); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Add(); err != nil { // a group without a gradient
				t.Fatal(err)
			}
			got, err := s.Finish()
			if err != nil {
				t.Fatal(err)
			}
			for p, g := range own {
				if p.Grad != g {
					t.Errorf("%s: its gradient lies elsewhere", p.Name)
				}
			}
			for i, x := range gradients(m) {
				if math.Abs(float64(x-sum[i])) > 1e-5*(1+math.Abs(float64(sum[i]))) {
					t.Fatalf("gradient %d is %g, want %g", i, x, sum[i])
				}
			}
			if !near(got.Plain, want.Sum) || got.Groups != want.Groups {
				t.Errorf("%+v, want %+v", got, want)
			}
			if metric == nil && !(near(got.Squares, want.Squares) && near(got.Sum, want.Sum)) {
				t.Errorf("plain: %+v, want %+v", got, want)
			}
			if metric != nil {
				inMetric := 0.0
				for p, g := range own {
					inMetric += metric(p, g)
				}
				if !near(got.Sum, inMetric) || !(got.Squares > 0) || near(got.Squares, want.Squares) {
					t.Errorf("in the metric: %+v, want a sum of %g", got, inMetric)
				}
			}
		}
		s.Free()
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-5*math.Abs(b) }
