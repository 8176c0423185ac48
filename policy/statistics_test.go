package policy

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/policy/generate"
)

// TestStatisticsOfSamplingAreThoseOfTraining: Σ p² of every token, and the norms made of it, have the bits of the training
// pass, whatever the decoding, the threads, how many run together, and whether the rollout is recorded.
func TestStatisticsOfSamplingAreThoseOfTraining(t *testing.T) {
	for _, g := range []generate.Decoding{{Temperature: 1}, {Temperature: 0}, {Temperature: 0.7, TopK: 30, TopP: 0.95}} {
		d := Decoding{Decoding: g, MaxTokens: 20, Seed: 3, Statistics: true}
		for _, threads := range []int{1, 3} {
			for _, running := range []int{1, 3, 0} {
				what := fmt.Sprintf("temperature %g, %d threads, %d running", g.Temperature, threads, running)
				m, reqs := newModel(t, threads), someRequests(3)
				d.MaxRunning = running
				d.Record = m.NewRecording(400, 2)
				groups := roll(t, m, reqs, d, nil)
				d.Record.Free()
				b := batchOf(reqs, groups, d)
				tokens, err := m.LogProbs(b, false)
				if err != nil {
					t.Fatal(err)
				}
				want, err := m.RowNorms(b, NormLen, NormEnergy, NormHead)
				if err != nil {
					t.Fatal(err)
				}
				var sums []float32
				row := 0
				for _, group := range groups {
					for _, c := range group {
						sums = append(sums, c.SumP2...)
						for k, kind := range []NormKind{NormLen, NormEnergy, NormHead} {
							if got, ok := c.RowNorm(kind); !ok || math.Float64bits(got) != math.Float64bits(want[k][row]) {
								t.Errorf("%s: %s of row %d is %v, want %v", what, kind, row, got, want[k][row])
							}
						}
						row++
					}
				}
				if !sameBits(sums, tokens.SumP2) {
					t.Errorf("%s: Σ p² %v, want %v", what, sums, tokens.SumP2)
				}
				if !slices.ContainsFunc(want[2], func(x float64) bool { return x > 1 }) {
					t.Errorf("%s: norms %v: too small to say anything", what, want[2])
				}
			}
		}
	}
}

// TestStatisticsAreAskedFor: without them completions say what they always said, and know no norm but their length.
func TestStatisticsAreAskedFor(t *testing.T) {
	m, reqs := newModel(t, 2), someRequests(1)
	d := Decoding{Decoding: generate.Decoding{Temperature: 1}, MaxTokens: 8, Seed: 3}
	plain := roll(t, m, reqs, d, nil)
	d.Statistics = true
	for i, group := range roll(t, m, reqs, d, nil) {
		c, p := group[0], plain[i][0]
		if !slices.Equal(c.Tokens, p.Tokens) || !sameBits(c.LogProbs, p.LogProbs) || p.SumP2 != nil {
			t.Errorf("request %d: statistics change %v to %v", i, p, c)
		}
		if _, ok := p.RowNorm(NormEnergy); ok {
			t.Errorf("request %d: an energy without statistics", i)
		}
		if _, ok := c.RowNorm(NormGhost); ok {
			t.Errorf("request %d: an exact norm without a backward pass", i)
		}
	}
}
