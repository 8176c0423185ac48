package forecast

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/train/run"
)

// write makes a run folder of rates and losses; NaN becomes null.
func write(t *testing.T, rates, losses []float64) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"step":0,"eval/both":0.5}` + "\n")
	for i := range rates {
		loss := fmt.Sprint(losses[i])
		if math.IsNaN(losses[i]) {
			loss = "null"
		}
		fmt.Fprintf(&b, `{"step":%d,"loss":%s,"lr":%v}`+"\n", i+1, loss, rates[i])
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, run.MetricsFile), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// made is a run of steps updates, 10 of them warm-up, whose losses a law made. A step's loss is that of the weights before it.
func made(t *testing.T, law Law, steps int, noise float64, factor func(r float64) float64) Run {
	t.Helper()
	r := rand.New(rand.NewPCG(3, uint64(steps)))
	rates, losses := make([]float64, steps), make([]float64, steps)
	for i := range rates {
		rates[i] = 1e-3 * min(float64(i)/10, factor(max(0, float64(i-10)/float64(steps-10))))
	}
	areas := Areas(rates)
	for i := range losses {
		losses[i] = math.NaN()
		if i > 0 {
			losses[i] = law.Loss(areas[i-1]) * math.Exp(noise*r.NormFloat64())
		}
	}
	out, err := Read(write(t, rates, losses))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestForecastOfMadeRuns: what the law says of another decay is what the law that made the runs says.
func TestForecastOfMadeRuns(t *testing.T) {
	law := Law{L0: 1.2, A: 0.25, Alpha: 0.6, C: 3}
	for _, noise := range []float64{0, 0.02} {
		runs := []Run{
			made(t, law, 400, noise, func(float64) float64 { return 1 }),
			made(t, law, 300, noise, func(r float64) float64 { return 1 - r }),
		}
		q, err := FitRuns(runs...)
		if err != nil {
			t.Fatal(err)
		}
		if !q.Annealed || q.N != 390+290 || q.HeldOut > 1e-6+noise || math.IsNaN(q.HeldOut) {
			t.Errorf("noise %v: %+v", noise, q)
		}
		ends := map[string]float64{}
		for _, d := range Decays() {
			rates := runs[0].GoOn(400, 600, d)
			if len(rates) != 600 || !slices.Equal(rates[:400], runs[0].Rates) {
				t.Fatalf("%s: not the run's first 400 updates and 200 more", d.Name)
			}
			ends[d.Name] = q.End(rates)
			if got, want := q.End(rates), law.End(rates); math.Abs(got/want-1) > 1e-5+noise/2 {
				t.Errorf("noise %v, %s: %v, want %v", noise, d.Name, got, want)
			}
		}
		if !(ends["linear to 0"] < ends["constant"]) {
			t.Errorf("annealing gains nothing: %v", ends)
		}
	}
}

// TestGoOn: from the beginning the warm-up is kept and the peak begins the decay.
func TestGoOn(t *testing.T) {
	r := made(t, Law{L0: 1, A: 0.1, Alpha: 0.5}, 110, 0, func(r float64) float64 { return 1 - r })
	rates := r.GoOn(0, 210, Decays()[1])
	if !slices.Equal(rates[:10], r.Rates[:10]) || rates[10] != 1e-3 || math.Abs(rates[110]-0.5e-3) > 1e-15 || len(rates) != 210 {
		t.Errorf("rates %v", rates[:12])
	}
	for _, d := range Decays() {
		if got := d.Factor(0); got != 1 {
			t.Errorf("%s begins at %v of the rate", d.Name, got)
		}
		last := 1.0
		for i := range 100 {
			f := d.Factor(float64(i) / 100)
			if f > last || f < 0 {
				t.Errorf("%s rises or is negative at %d%%: %v", d.Name, i, f)
			}
			last = f
		}
	}
	if p := r.Peak(); p != 1e-3 {
		t.Errorf("peak %v", p)
	}
}

func TestReadRefuses(t *testing.T) {
	flat := func(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }
	for want, dir := range map[string]string{
		"found 29 losses after the warm-up, want at least 30": write(t, flat(30, 1e-3), flat(30, 2)),
		"found 0 losses after the warm-up":                    write(t, flat(50, 1e-3), flat(50, math.NaN())),
		`no step has "lr"`:                                    write(t, nil, nil),
		"metrics.jsonl":                                       t.TempDir(),
	} {
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if r, err := Read(write(t, flat(31, 1e-3), flat(31, 2))); err != nil || len(r.observations()) != 30 {
		t.Errorf("error %v", err)
	}
}
