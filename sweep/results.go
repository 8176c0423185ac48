package sweep

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/burnish-rl/burnish/sweep/paired"
)

// Results are all that tables, pictures and documents of an experiment are made from.
type Results struct {
	Name        string       `json:"name"`
	Title       string       `json:"title"`
	Question    string       `json:"question,omitempty"`
	Design      string       `json:"design"`  // SHA-256 of the experiment's file
	Program     string       `json:"program"` // version that ran it
	Seeds       []uint64     `json:"seeds"`
	Settings    []string     `json:"settings"` // of each stage's evaluation
	Probe       int          `json:"probe,omitempty"`
	Measures    []string     `json:"measures"`
	Explained   []string     `json:"explained"` // what each measure is
	Arms        []ArmResult  `json:"arms"`
	Missing     []string     `json:"missing,omitempty"`  // runs that aren't finished
	Diverged    []string     `json:"diverged,omitempty"` // runs that are results without most numbers, and why
	Comparisons []Comparison `json:"comparisons,omitempty"`
	Choices     []Picked     `json:"choices,omitempty"`
	Costs       costs        `json:"costs,omitempty"` // seconds of a token by arm and stage
	Plot        Plotted      `json:"plot"`
}

// Num is a number that JSON has null for when it is NaN.
type Num float64

// MarshalJSON writes six significant digits more than any table shows.
func (n Num) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Num) UnmarshalJSON(b []byte) error {
	var v *float64
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*n = Num(math.NaN())
	if v != nil {
		*n = Num(*v)
	}
	return nil
}

// ArmResult is an arm's values.
type ArmResult struct {
	Name    string  `json:"name"`
	Against string  `json:"against,omitempty"`
	Values  [][]Num `json:"values"` // [measures][seeds]
}

// Comparison is a paired difference over seeds. All comparisons of one measure are a family for Holm's adjustment.
type Comparison struct {
	Measure    string `json:"measure"`
	Arm        string `json:"arm"`
	Against    string `json:"against"`
	N          int    `json:"n"`
	Mean       Num    `json:"mean"` // of arm - against
	Low        Num    `json:"low"`  // 95% interval of this comparison alone
	High       Num    `json:"high"`
	P          Num    `json:"p"`
	Holm       Num    `json:"holm"`
	Detectable Num    `json:"detectable"` // see paired.Detectable
	Shown      bool   `json:"shown"`      // holm < 0.05
	Note       string `json:"note,omitempty"`
}

// Picked are the values of a grid that a choice takes, and their comparisons in log2.
type Picked struct {
	Name   string `json:"name"`
	Axis   string `json:"axis"`
	By     string `json:"by"`
	Arm    string `json:"arm"`
	Values []Num  `json:"values"` // [seeds]
	Than   string `json:"than,omitempty"`
	Log2   *Shift `json:"log2,omitempty"`   // to Than, in the same arm
	Across *Shift `json:"across,omitempty"` // to the same choice in the arm that this one is compared with
	To     string `json:"to,omitempty"`
}

// Shift is a paired difference of log2 of two choices.
type Shift struct {
	N          int  `json:"n"`
	Mean       Num  `json:"mean"`
	Low        Num  `json:"low"`
	High       Num  `json:"high"`
	P          Num  `json:"p"`
	Holm       Num  `json:"holm"` // over the comparisons of the choice
	Detectable Num  `json:"detectable"`
	Shown      bool `json:"shown"`
}

// Plotted is the picture's data.
type Plotted struct {
	Metric string `json:"metric,omitempty"`
	Axis   string `json:"axis,omitempty"`
	Lines  []Line `json:"lines,omitempty"`
}

// Line is a curve: an arm's metric along an axis, or a measure along the grid.
type Line struct {
	Panel string `json:"panel"` // completions, tokens; or the measure
	Arm   string `json:"arm"`
	X     []Num  `json:"x"`
	Y     []Num  `json:"y"`   // mean over seeds
	Low   []Num  `json:"low"` // 95% interval of the mean over seeds
	High  []Num  `json:"high"`
}

// finished is a run that is over.
type finished struct {
	ends  []StageEnd
	lines map[string]history // by stage
}

// Collect reads what the runs in a folder have left and makes the results. Runs that aren't over are named in Missing.
func (d *Design) Collect(dir, program string) (*Results, error) {
	r := &Results{Name: d.Name, Title: d.Title, Question: d.Question, Design: d.Hash, Program: program, Seeds: d.Seeds, Probe: d.Probe}
	for _, m := range d.File.Measures {
		r.Measures, r.Explained = append(r.Measures, m.Name), append(r.Explained, m.text(d.single))
	}
	costs, err := readCosts(dir)
	if err != nil {
		return nil, err
	}
	r.Costs = costs
	runs := map[job]finished{}
	for _, j := range d.jobs() {
		f, err := d.read(j, dir, costs[j.arm.Name])
		if err != nil {
			return nil, err
		}
		if !d.over(f.ends) {
			r.Missing = append(r.Missing, j.name())
			continue
		}
		runs[j] = f
		if last := f.ends[len(f.ends)-1]; last.Failed != "" {
			r.Diverged = append(r.Diverged, j.name()+": "+last.Failed)
		}
		for _, e := range f.ends {
			if text := e.settingText(d.single); text != "" && !slices.Contains(r.Settings, text) {
				r.Settings = append(r.Settings, text)
			}
		}
	}
	for _, a := range d.Arms {
		ar := ArmResult{Name: a.Name, Against: a.Against}
		for _, m := range d.File.Measures {
			var row []Num
			for _, seed := range d.Seeds {
				row = append(row, Num(runs[job{a, seed}].value(m)))
			}
			ar.Values = append(ar.Values, row)
		}
		r.Arms = append(r.Arms, ar)
	}
	r.compare()
	d.choose(r)
	d.plotted(r, runs)
	return r, nil
}

func (e StageEnd) settingText(single bool) string {
	if e.Setting.Env == "" {
		return ""
	}
	if single {
		return e.Setting.String()
	}
	return e.Stage + ": " + e.Setting.String()
}

func (d *Design) read(j job, root string, costs map[string]Cost) (f finished, err error) {
	dir := j.dir(root)
	if f.ends, err = readEnds(filepath.Join(dir, endFile)); err != nil {
		return f, err
	}
	f.lines = map[string]history{}
	for _, e := range f.ends {
		var cost *Cost
		if c, ok := costs[e.Stage]; ok {
			cost = &c
		}
		if f.lines[e.Stage], err = readHistory(filepath.Join(dir, e.Stage), e, cost); err != nil {
			return f, err
		}
	}
	return f, nil
}

// value is a measure of the run.
func (f finished) value(m Measure) float64 {
	for _, e := range f.ends {
		if e.Stage == m.Stage {
			return m.of(f.lines[e.Stage], e)
		}
	}
	return math.NaN()
}

// text says what a measure is.
func (m Measure) text(single bool) string {
	what := m.Metric
	if !single {
		what = m.Stage + ": " + what
	}
	switch {
	case m.Metric == survives:
		return fmt.Sprintf("1 if the run stayed finite, its reward over the last %d steps is not below that of the first %d, and probe/kl is below %v nats; else 0", survivalSteps, survivalSteps, m.MostKL)
	case m.In != "":
		return fmt.Sprintf("%s until %s is %v", m.In, what, m.Until)
	case m.At == "mean" && m.Last > 0:
		return fmt.Sprintf("%s, mean of the last %d steps", what, m.Last)
	case m.At == "mean":
		return what + ", mean of all steps"
	case m.At == "best_step":
		return "step at which " + what + " is best"
	case m.At != "end":
		return what + ", " + m.At
	}
	return what + " at the end"
}

// compare makes the comparisons of every measure, and adjusts each measure's family.
func (r *Results) compare() {
	for k, name := range r.Measures {
		from := len(r.Comparisons)
		var ps []float64
		for _, a := range r.Arms {
			i := slices.IndexFunc(r.Arms, func(o ArmResult) bool { return o.Name == a.Against })
			if i < 0 {
				continue
			}
			c := compareValues(a.Values[k], r.Arms[i].Values[k])
			c.Measure, c.Arm, c.Against = name, a.Name, a.Against
			r.Comparisons = append(r.Comparisons, c)
			ps = append(ps, float64(c.P))
		}
		family := 0
		for _, p := range ps {
			if !math.IsNaN(p) {
				family++
			}
		}
		for i, p := range paired.Holm(ps) {
			c := &r.Comparisons[from+i]
			c.Holm, c.Shown = Num(p), p < paired.Level
			if c.Note == "" {
				c.Detectable = Num(paired.Detectable(float64(c.Detectable), c.N, family))
			}
		}
	}
}

// compareValues pairs two arms. A run without a value says something that a mean of the others would hide, so then there is
// no comparison. Detectable holds the deviation until the size of the family is known.
func compareValues(a, b []Num) Comparison {
	nan := Num(math.NaN())
	c := Comparison{N: len(a), Mean: nan, Low: nan, High: nan, P: nan, Holm: nan, Detectable: nan}
	var x, y []float64
	for i := range a {
		if !math.IsNaN(float64(a[i])) && !math.IsNaN(float64(b[i])) {
			x, y = append(x, float64(a[i])), append(y, float64(b[i]))
		}
	}
	if len(x) < len(a) {
		c.Note = fmt.Sprintf("not compared: %d of %d runs have a value, %d of those against", counted(a), len(a), counted(b))
		return c
	}
	d := paired.Compare(x, y)
	c.Mean, c.Low, c.High, c.P, c.Detectable = Num(d.Mean), Num(d.Low), Num(d.High), Num(d.P), Num(d.SD)
	switch {
	case d.N < 2:
		c.Note, c.Detectable = "one seed: no interval", nan
	case d.SD == 0 && d.Mean != 0:
		c.Note, c.Detectable = "the same in every pair: not tested", nan
	}
	return c
}

func counted(v []Num) (n int) {
	for _, x := range v {
		if !math.IsNaN(float64(x)) {
			n++
		}
	}
	return n
}

// Write writes the results as JSON.
func (r *Results) Write(path string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// ReadResults reads what Write wrote.
func ReadResults(path string) (*Results, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Results{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
