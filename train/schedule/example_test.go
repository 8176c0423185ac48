package schedule_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/burnish-rl/burnish/train/schedule"
)

// show prints a rule's factors at every tenth of a run, seeing nothing but the step.
func show(o schedule.Options) {
	s, err := o.Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	const steps = 100
	for step := 0; step < steps; step += 10 {
		fmt.Printf("%.2f ", s.Rate(schedule.Seen{Step: step, Steps: steps, Cosine: math.NaN()}))
	}
	fmt.Println()
}

func ExampleConstant() {
	show(&schedule.Constant{Warmup: 0.2})
	// Output: 0.00 0.50 1.00 1.00 1.00 1.00 1.00 1.00 1.00 1.00
}

func ExampleLinear() {
	show(&schedule.Linear{Warmup: 0.2})
	// Output: 0.00 0.50 1.00 0.88 0.75 0.62 0.50 0.38 0.25 0.12
}

func ExampleCosine() {
	show(&schedule.Cosine{Warmup: 0.2, Floor: 0.1})
	// Output: 0.00 0.50 1.00 0.97 0.87 0.72 0.55 0.38 0.23 0.13
}

func ExampleWSD() {
	show(&schedule.WSD{Warmup: 0.2, Decay: 0.4, Shape: "1-sqrt", HalfLife: 1})
	// Output: 0.00 0.50 1.00 1.00 1.00 1.00 1.00 0.50 0.29 0.13
}

func ExampleInfinite() {
	show(&schedule.Infinite{Warmup: 0.1, Cooldown: 0.3, Hold: 0.5, Decay: 0.3, Floor: 0.05})
	// Output: 0.00 1.00 0.88 0.62 0.50 0.50 0.50 0.50 0.23 0.11
}

func ExampleRewarm() {
	show(&schedule.Rewarm{Starts: []float64{0.5}, Warmup: 0.2, Shape: "linear", Floor: 0.1})
	// Output: 0.00 1.00 0.78 0.55 0.33 0.00 1.00 0.78 0.55 0.33
}

// The rate is whole for the first 40 million tokens and then falls as their number to the power of -0.51.
func ExamplePower() {
	p := &schedule.Power{CapTokens: 40_000_000, Exponent: -0.51, Shape: "linear"}
	for _, millions := range []int64{10, 40, 100, 1000} {
		fmt.Printf("%.2f ", p.Rate(schedule.Seen{Step: 1, Steps: 1000, Tokens: millions * 1_000_000}))
	}
	// Output: 1.00 1.00 0.63 0.19
}

// folderOf is the folder of a run of 100 steps with a metric.
func folderOf(metric func(step int) string) string {
	var metrics strings.Builder
	for step := 1; step <= 100; step++ {
		fmt.Fprintf(&metrics, `{"step":%d,%s}`+"\n", step, metric(step))
	}
	dir, err := os.MkdirTemp("", "run")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "metrics.jsonl"), []byte(metrics.String()), 0o600)
	}
	if err != nil {
		fmt.Println(err)
	}
	return dir
}

// An earlier run's gradients were large at first, so the refined rate has a warm-up.
func ExampleRefined() {
	dir := folderOf(func(step int) string { return fmt.Sprintf(`"grad_norm_l1":%g`, 2+8*math.Exp(-float64(step)/10)) })
	defer os.RemoveAll(dir)
	show(&schedule.Refined{FromRun: dir, Norm: "l1"})
	// Output: 0.37 0.66 0.91 1.00 0.95 0.82 0.67 0.50 0.33 0.16
}

// An earlier run's rate followed its signal; a run with the same curve doesn't look at its own.
func ExampleReplay() {
	dir := folderOf(func(step int) string { return fmt.Sprintf(`"lr":%g,"lr/base":0.5`, 0.5/math.Sqrt(float64(step))) })
	defer os.RemoveAll(dir)
	show(&schedule.Replay{FromRun: dir})
	// Output: 1.00 0.30 0.22 0.18 0.16 0.14 0.13 0.12 0.11 0.10
}

// Updates that agree raise the rate, updates that don't lower it.
func ExampleHypergradient() {
	h, err := (&schedule.Hypergradient{Kappa: 0.1, Floor: 0.1, Ceiling: 10}).Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	for step, cosine := range []float64{math.NaN(), math.NaN(), 1, 1, 0, -1} {
		fmt.Printf("%.3f ", h.Rate(schedule.Seen{Step: step, Steps: 100, Cosine: cosine}))
	}
	// Output: 1.000 1.000 1.100 1.210 1.210 1.089
}
