package eval

import (
	"math"
	"testing"
)

// TestPreferences: a tie is no preference; the margin's interval is Student's, worked out by hand for two pairs: mean 0.5,
// deviation √0.5, t(0.975, 1) = 12.7062.
func TestPreferences(t *testing.T) {
	r := Preferences([]Pair{{1, 0}, {2, 2}})
	want := map[string][3]float64{
		"pref_accuracy": {0.5, 0.0945312, 0.9054688},
		"pref_margin":   {0.5, 0.5 - 12.7062/2, 0.5 + 12.7062/2},
		"pref_chosen":   {1.5, 1.5 - 12.7062/2, 1.5 + 12.7062/2},
		"pref_rejected": {1, 1 - 12.7062, 1 + 12.7062},
	}
	if r.Items != 2 || len(r.Metrics) != len(want) || r.Headline() != 0.5 {
		t.Errorf("report %+v, headline %v", r, r.Headline())
	}
	for _, m := range r.Metrics {
		for i, got := range []float64{m.Value, m.Low, m.High} {
			if math.Abs(got-want[m.Name][i]) > 1e-4 {
				t.Errorf("%s: %v, want %v", m.Name, m, want[m.Name])
			}
		}
	}
}
