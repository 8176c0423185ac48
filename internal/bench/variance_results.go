package bench

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/sweep"
	"github.com/burnish-rl/burnish/sweep/paired"
)

// VarianceResults are what the tables of the experiment are made from.
type VarianceResults struct {
	Title       string          `json:"title"`
	Recipe      string          `json:"recipe"`
	Settings    []string        `json:"settings,omitempty"`
	Answers     string          `json:"answers"` // environment, split, number of prompts, decoding
	Program     string          `json:"program"`
	Prompts     int             `json:"prompts"`
	Completions int             `json:"completions"`
	Groups      int             `json:"groups"`
	Seed        uint64          `json:"seed"`
	Estimators  []string        `json:"estimators"`
	Points      []VariancePoint `json:"points"`
}

// VariancePoint is a policy.
type VariancePoint struct {
	Step    int           `json:"step"`
	Prompts int           `json:"prompts"` // that taught something
	Flat    int           `json:"flat"`    // whose completions all had the same reward
	Gap     sweep.Num     `json:"gap"`     // see Point
	Sizes   []VarianceRow `json:"sizes"`
}

// VarianceRow is a size of groups.
type VarianceRow struct {
	Size  int            `json:"size"`
	SNR   sweep.Num      `json:"snr"` // Σ|g|²/Σ variance of RLOO, over prompts
	Cells []VarianceCell `json:"cells"`
}

// VarianceCell is an estimator at a size of groups. Intervals are over prompts.
type VarianceCell struct {
	Ratio      sweep.Num `json:"ratio"` // of the variance to RLOO's on the same groups: exp of the mean of logs over prompts
	Low        sweep.Num `json:"low"`   // 95%
	High       sweep.Num `json:"high"`
	Holm       sweep.Num `json:"holm"`       // p of no difference to RLOO, over the estimators of this row
	Detectable sweep.Num `json:"detectable"` // the ratio that would be shown, as exp of [paired.Detectable]
	Shown      bool      `json:"shown"`
	Pooled     sweep.Num `json:"pooled"`   // Σ variance/Σ RLOO's over prompts
	Along      sweep.Num `json:"along"`    // Σ E ĝ·g/Σ|g|²: how much of the gradient is left
	Bias       sweep.Num `json:"bias"`     // √(Σ|E ĝ - g|²/Σ|g|²), 0 where the estimate is below
	BiasLow    sweep.Num `json:"bias_low"` // 95% of Σ|E ĝ - g|²/Σ|g|² over prompts: below 0 means that no bias is shown
	BiasShown  bool      `json:"bias_shown"`
}

// Results sums points up.
func (v *Variance) Results(points []Point, program string) *VarianceResults {
	r := &VarianceResults{Title: v.Title, Recipe: v.Recipe, Settings: v.overrides(), Program: program, Prompts: v.Prompts,
		Completions: v.Completions, Groups: v.Groups, Seed: v.Seed}
	for _, p := range points {
		r.Estimators, r.Answers = p.Names, p.Answers
		out := VariancePoint{Step: p.Step, Prompts: p.Prompts, Flat: p.Flat, Gap: sweep.Num(p.Gap)}
		for s, size := range v.Sizes {
			out.Sizes = append(out.Sizes, rowOf(size, p.Moments[s], p.Names))
		}
		r.Points = append(r.Points, out)
	}
	return r
}

// rowOf sums up the estimators at one size: moments are [estimators][prompts].
func rowOf(size int, moments [][]Moments, names []string) VarianceRow {
	row := VarianceRow{Size: size}
	ref := moments[slices.Index(names, rloo)]
	var ps, sds []float64
	for e := range moments {
		c, d := cellOf(moments[e], ref)
		row.Cells = append(row.Cells, c)
		p := d.P
		if names[e] == rloo {
			p = math.NaN()
		}
		ps, sds = append(ps, p), append(sds, d.SD)
	}
	family := 0
	for _, p := range ps {
		if !math.IsNaN(p) {
			family++
		}
	}
	for e, h := range paired.Holm(ps) {
		c := &row.Cells[e]
		c.Holm, c.Shown = sweep.Num(h), h < paired.Level
		c.Detectable = sweep.Num(math.Exp(-paired.Detectable(sds[e], len(ref), family)))
	}
	signal, noise := 0.0, 0.0
	for _, m := range ref {
		signal, noise = signal+m.Signal, noise+m.Variance
	}
	row.SNR = sweep.Num(ratio(signal, noise))
	return row
}

func cellOf(ms, ref []Moments) (c VarianceCell, logs paired.Difference) {
	var variance, theirs, along, signal, bias float64
	for i, m := range ms {
		variance, theirs = variance+m.Variance, theirs+ref[i].Variance
		along, signal, bias = along+m.Along, signal+m.Signal, bias+m.Bias2
	}
	var l, b []float64
	for i, m := range ms {
		l = append(l, math.Log(m.Variance/ref[i].Variance))
		b = append(b, m.Bias2/(signal/float64(len(ms))))
	}
	nan := sweep.Num(math.NaN())
	c = VarianceCell{Ratio: nan, Low: nan, High: nan, Pooled: sweep.Num(ratio(variance, theirs)), Along: sweep.Num(ratio(along, signal)),
		Bias: sweep.Num(math.Sqrt(max(0, ratio(bias, signal))))}
	if low := paired.Of(b).Low; len(b) > 1 {
		c.BiasLow, c.BiasShown = sweep.Num(low), low > 0
	}
	logs = paired.Difference{P: math.NaN(), SD: math.NaN()}
	if variance > 0 {
		logs = paired.Of(l)
		c.Ratio, c.Low, c.High = sweep.Num(math.Exp(logs.Mean)), sweep.Num(math.Exp(logs.Low)), sweep.Num(math.Exp(logs.High))
	}
	return c, logs
}

// Table is the results as Markdown.
func (r *VarianceResults) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Recipe %s", r.Recipe)
	for _, s := range r.Settings {
		fmt.Fprintf(&b, ", %s", s)
	}
	fmt.Fprintf(&b, "; %s; %d completions of each prompt stand for the policy, and %d groups of each size are drawn\nfrom them with replacement, the same groups for every baseline; seed %d.\n\n", r.Answers, r.Completions, r.Groups, r.Seed)
	for _, p := range r.Points {
		p.table(&b, r.Estimators)
	}
	b.WriteString("*Variance* is E|ĝ - Eĝ|² over RLOO's on the same groups, the geometric mean over prompts with its 95% t interval; **bold** differs from\n" +
		"RLOO's with p < 0.05 after Holm over the rows, the others do not show a difference. *Detectable* is how far below 1 a ratio would have to\n" +
		"be to be shown four times in five. *Along g* is how much of the gradient's length is left, *bias* is |Eĝ - g|/|g|; both are pooled over\n" +
		"prompts, and a bias is **bold** where its 95% interval over prompts leaves out 0. A smaller variance with a bias is no better: the\n" +
		"group's mean is RLOO times (G-1)/G. " + BestFixed + " knows all completions; " + OwnReward + " is biased by all of the gradient and scatters by nothing.\n")
	return b.String()
}

func (p VariancePoint) table(b *strings.Builder, names []string) {
	fmt.Fprintf(b, "**After step %d**: %d prompts with a gradient, %d without; diag K is the exact row norms to %.1g.\n\n| baseline |", p.Step, p.Prompts, p.Flat, float64(p.Gap))
	rule := "| --- |"
	for _, s := range p.Sizes {
		fmt.Fprintf(b, " G = %d: variance | detectable | along g | bias |", s.Size)
		rule += " ---: | ---: | ---: | ---: |"
	}
	fmt.Fprintf(b, "\n%s\n", rule)
	for e, name := range names {
		fmt.Fprintf(b, "| %s |", name)
		for _, s := range p.Sizes {
			b.WriteString(s.Cells[e].text(name))
		}
		b.WriteString("\n")
	}
	b.WriteString("| |")
	for _, s := range p.Sizes {
		fmt.Fprintf(b, " SNR of rloo %.3g | | | |", float64(s.SNR))
	}
	b.WriteString("\n\n")
}

func (c VarianceCell) text(name string) string {
	share := func(v sweep.Num) string { return fmt.Sprintf("%.0f%%", 100*float64(v)) }
	bias := share(c.Bias)
	if c.BiasShown {
		bias = "**" + bias + "**"
	}
	variance := fmt.Sprintf("%.3f (%.3f … %.3f)", float64(c.Ratio), float64(c.Low), float64(c.High))
	detectable := fmt.Sprintf("%.3f", float64(c.Detectable))
	switch {
	case name == rloo:
		variance, detectable = "1", ""
	case math.IsNaN(float64(c.Ratio)):
		variance, detectable = "0", ""
	case c.Shown:
		variance = "**" + variance + "**"
	}
	return fmt.Sprintf(" %s | %s | %s | %s |", variance, detectable, share(c.Along), bias)
}

// Write writes the results as JSON.
func (r *VarianceResults) Write(path string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// ReadVariance reads what Write wrote.
func ReadVariance(path string) (*VarianceResults, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &VarianceResults{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

func names(es []Estimator) (out []string) {
	for _, e := range es {
		out = append(out, e.Name)
	}
	return out
}
