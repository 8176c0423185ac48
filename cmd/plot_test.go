package cmd

import (
	"strings"
	"testing"
)

func TestPlot(t *testing.T) {
	got := plot([]float64{0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9875, 1}, 20) // 8 columns, one a step
	want := strings.Join([]string{
		`         1 │      ▇█`,
		`           │      ██`,
		`           │     ▄██`,
		`           │     ███`,
		`           │     ███`,
		`       0.5 │    ████`,
		`           │    ████`,
		`           │   ▄████`,
		`           │   █████`,
		`           │ ▄██████`,
		`         0 └────────`,
		`            0 2 4 6 8`,
		``,
	}, "\n")
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := plot([]float64{0}, 1); strings.ContainsAny(got, "▁█") || !strings.Contains(got, "└────────\n") {
		t.Errorf("one step at rate 0:\n%s", got)
	}
	// A column is the mean of its steps: pairs of 1 and 3 are 2 everywhere, two thirds of the peak.
	odd := make([]float64, 144)
	for i := range odd {
		odd[i] = float64(1 + i%2*2)
	}
	if got := strings.Split(plot(odd, 200), "\n"); got[0] != "         3 │" || got[3] != "           │"+strings.Repeat("▅", 72) {
		t.Errorf("means:\n%s", strings.Join(got, "\n"))
	}
}

func TestAxis(t *testing.T) {
	for _, c := range []struct {
		steps, columns int
		want           string
	}{
		{200, 40, "0        50       100       150       200"},
		{1000, 12, "0   500  1000"},
		{7, 8, "0 1 3 5 7"},
	} {
		got := axis(c.steps, c.columns)
		if got != c.want {
			t.Errorf("%d steps in %d columns: %q, want %q", c.steps, c.columns, got, c.want)
		}
	}
}
