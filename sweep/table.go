package sweep

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/train/eval"
)

// Table is the results as Markdown: for each measure the arms' means, and the paired differences with what could have been
// seen.
func (r *Results) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", r.head())
	for k, m := range r.Measures {
		fmt.Fprintf(&b, "**%s**: %s\n\n", m, r.Explained[k])
		r.measure(&b, k)
		b.WriteString("\n")
	}
	r.choices(&b)
	r.costs(&b)
	for _, d := range r.Diverged {
		fmt.Fprintf(&b, "Diverged: %s.\n\n", d)
	}
	if n := len(r.Missing); n > 0 {
		fmt.Fprintf(&b, "Not run yet: %d of %d runs.\n\n", n, len(r.Arms)*len(r.Seeds))
	}
	b.WriteString(Reading)
	return b.String()
}

// Reading says how the tables are to be read.
const Reading = "Differences are arm minus *against*, paired over seeds; the interval is 95% by Student's t for that row alone; p is adjusted by\n" +
	"Holm over the rows of the measure or choice; *shown* means p < 0.05. *Detectable* is (t(1-α/2) + t(0.8))·s/√n, α = 0.05 over the number of rows:\n" +
	"the true difference that would be shown four times in five. A smaller one is not shown to be absent.\n"

// head says what was run.
func (r *Results) head() string {
	out := fmt.Sprintf("%d seeds (%s)", len(r.Seeds), strings.Trim(fmt.Sprint(r.Seeds), "[]"))
	if len(r.Seeds) == 1 {
		out = fmt.Sprintf("one seed (%d)", r.Seeds[0])
	}
	for _, s := range r.Settings {
		out += "; " + s
	}
	if r.Probe > 0 {
		out += fmt.Sprintf("; probe of %d answers at temperature 1", r.Probe)
	}
	return out + "."
}

func (r *Results) measure(b *strings.Builder, k int) {
	compared := slices.ContainsFunc(r.Comparisons, func(c Comparison) bool { return c.Measure == r.Measures[k] })
	b.WriteString("| arm | n | mean | 95% |")
	rule := "| --- | ---: | ---: | ---: |"
	if compared {
		b.WriteString(" against | difference | 95% | p | detectable | |")
		rule += " --- | ---: | ---: | ---: | ---: | --- |"
	}
	fmt.Fprintf(b, "\n%s\n", rule)
	for _, a := range r.Arms {
		var v []float64
		for _, x := range a.Values[k] {
			if !math.IsNaN(float64(x)) {
				v = append(v, float64(x))
			}
		}
		mean, low, high := eval.MeanInterval(v)
		fmt.Fprintf(b, "| %s | %d | %s | %s |", a.Name, len(v), digits(mean), interval(low, high))
		if compared {
			i := slices.IndexFunc(r.Comparisons, func(c Comparison) bool { return c.Measure == r.Measures[k] && c.Arm == a.Name })
			b.WriteString(r.comparison(i))
		}
		b.WriteString("\n")
	}
}

// comparison is the right half of a row.
func (r *Results) comparison(i int) string {
	if i < 0 {
		return " | | | | | |"
	}
	c := r.Comparisons[i]
	if math.IsNaN(float64(c.Mean)) {
		return fmt.Sprintf(" %s | | | | | %s |", c.Against, c.Note)
	}
	return fmt.Sprintf(" %s | %s | %s | %s | %s | %s |", c.Against, digits(float64(c.Mean)), interval(float64(c.Low), float64(c.High)),
		probability(float64(c.Holm)), digits(float64(c.Detectable)), verdict(c.Shown, c.Note))
}

// costs says what seconds are made of.
func (r *Results) costs(b *strings.Builder) {
	if len(r.Costs) == 0 {
		return
	}
	b.WriteString("Seconds are counts times these costs, each measured on a run that had the machine for itself.\n\n| arm | stage | µs a row sampled | µs a row learnt | µs a row ranked | steps | other cores |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, a := range r.Arms {
		stages := slices.Sorted(maps.Keys(r.Costs[a.Name]))
		for _, s := range stages {
			c := r.Costs[a.Name][s]
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %d | %s |\n", a.Name, s, digits(1e6*c.Rollout), digits(1e6*c.Learn), digits(1e6*c.Ranking), c.Steps, digits(float64(c.OtherCores)))
		}
	}
	b.WriteString("\n")
}

func verdict(shown bool, note string) string {
	switch {
	case note != "":
		return note
	case shown:
		return "**shown**"
	}
	return "*not shown*"
}

func (r *Results) choices(b *strings.Builder) {
	if len(r.Choices) == 0 {
		return
	}
	b.WriteString("| choice | arm | values, seed by seed | compared with | log2 of the ratio | 95% | p | detectable | |\n| --- | --- | --- | --- | ---: | ---: | ---: | ---: | --- |\n")
	for _, p := range r.Choices {
		var values []string
		for _, v := range p.Values {
			values = append(values, digits(float64(v)))
		}
		head := fmt.Sprintf("| %s (%s by %s) | %s | %s |", p.Name, p.Axis, p.By, p.Arm, strings.Join(values, " "))
		rows := 0
		for _, s := range []struct {
			to string
			*Shift
		}{{p.Than, p.Log2}, {p.To, p.Across}} {
			if s.Shift == nil {
				continue
			}
			rows++
			fmt.Fprintf(b, "%s %s | %s | %s | %s | %s | %s |\n", head, s.to, digits(float64(s.Mean)), interval(float64(s.Low), float64(s.High)),
				probability(float64(s.Holm)), digits(float64(s.Detectable)), verdict(s.Shown, ""))
		}
		if rows == 0 {
			fmt.Fprintf(b, "%s | | | | | |\n", head)
		}
	}
	b.WriteString("\n")
}

// digits is a number for a table: four significant digits, "-" for none.
func digits(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case math.Abs(v) >= 1e4 && math.Abs(v) < 1e12:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

func interval(low, high float64) string {
	if math.IsNaN(low) {
		return "-"
	}
	return digits(low) + " … " + digits(high)
}

func probability(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	if math.IsNaN(p) {
		return "-"
	}
	return fmt.Sprintf("%.3f", p)
}
