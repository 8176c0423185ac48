package sweep

import (
	"cmp"
	"math"
	"slices"

	"github.com/burnish-rl/burnish/sweep/paired"
	"github.com/burnish-rl/burnish/train/eval"
)

// choose finds, for each seed and group of arms that differ in the axis only, the value that a choice takes.
func (d *Design) choose(r *Results) {
	for _, x := range d.File.Choices {
		for _, g := range d.groups(x.Axis) {
			p := Picked{Name: x.Name, Axis: x.Axis, By: x.Best + x.Largest, Arm: g.name, Than: x.Than}
			k := slices.Index(r.Measures, p.By)
			for s := range d.Seeds {
				var values []float64
				for _, i := range g.arms {
					values = append(values, float64(r.Arms[i].Values[k][s]))
				}
				p.Values = append(p.Values, Num(pick(x, d.File.Measures[k].Better, g.at, values)))
			}
			r.Choices = append(r.Choices, p)
		}
	}
	for i := range r.Choices {
		p := &r.Choices[i]
		p.Log2 = r.shift(p, p.Than, p.Arm)
		if p.To = d.groupAgainst(p.Axis, p.Arm); p.To != "" {
			p.Across = r.shift(p, p.Name, p.To)
		}
	}
	for _, x := range d.File.Choices {
		r.adjust(x.Name)
	}
}

// adjust adjusts the comparisons of a choice: they are a family as a measure's are.
func (r *Results) adjust(name string) {
	var family []*Shift
	var ps []float64
	for _, p := range r.Choices {
		for _, s := range []*Shift{p.Log2, p.Across} {
			if p.Name == name && s != nil {
				family, ps = append(family, s), append(ps, float64(s.P))
			}
		}
	}
	for i, p := range paired.Holm(ps) {
		s := family[i]
		s.Holm, s.Shown = Num(p), p < paired.Level
		s.Detectable = Num(paired.Detectable(float64(s.Detectable), s.N, len(family)))
	}
}

// group is the arms that differ in an axis only, by its value.
type group struct {
	name string
	arms []int
	at   []float64
}

func (d *Design) groups(axis string) (out []group) {
	for i, a := range d.Arms {
		v, _ := a.Number(axis)
		g := slices.IndexFunc(out, func(g group) bool { return g.name == a.group(axis) })
		if g < 0 {
			g = len(out)
			out = append(out, group{name: a.group(axis)})
		}
		out[g].arms, out[g].at = append(out[g].arms, i), append(out[g].at, v)
	}
	for _, g := range out {
		order := make([]int, len(g.at))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(g.at[a], g.at[b]) })
		arms, at := slices.Clone(g.arms), slices.Clone(g.at)
		for i, o := range order {
			g.arms[i], g.at[i] = arms[o], at[o]
		}
	}
	return out
}

// groupAgainst is the group that a group's arms are compared with, "" when they aren't, or with more than one.
func (d *Design) groupAgainst(axis, name string) string {
	to := ""
	for _, a := range d.Arms {
		if a.group(axis) != name || a.Against == "" {
			continue
		}
		other := d.find(a.Against, a).group(axis)
		if other == name || to != "" && to != other {
			return ""
		}
		to = other
	}
	return to
}

// pick takes a value of the axis, which rises: NaN when there is none to take. Of equal measures the smaller value is taken.
func pick(x Choice, better string, at, values []float64) float64 {
	out, best := math.NaN(), math.NaN()
	for i, v := range values {
		switch {
		case x.Largest != "":
			if v != 1 {
				return out
			}
			out = at[i]
		case math.IsNaN(v):
		case math.IsNaN(best) || v != best && v > best == (better == "higher"):
			out, best = at[i], v
		}
	}
	return out
}

// shift compares a choice with another of an arm, in log2. It is nil when there is none, or a seed has no value.
func (r *Results) shift(p *Picked, name, arm string) *Shift {
	i := slices.IndexFunc(r.Choices, func(o Picked) bool { return o.Name == name && o.Arm == arm })
	if name == "" || i < 0 || counted(p.Values) < len(p.Values) || counted(r.Choices[i].Values) < len(p.Values) {
		return nil
	}
	var a, b []float64
	for s := range p.Values {
		a = append(a, math.Log2(float64(p.Values[s])))
		b = append(b, math.Log2(float64(r.Choices[i].Values[s])))
	}
	d := paired.Compare(a, b)
	return &Shift{N: d.N, Mean: Num(d.Mean), Low: Num(d.Low), High: Num(d.High), P: Num(d.P), Detectable: Num(d.SD)} // see adjust
}

// plotted makes the picture's curves.
func (d *Design) plotted(r *Results, runs map[job]finished) {
	p := d.File.Plot
	r.Plot.Metric, r.Plot.Axis = p.Metric, p.Axis
	if p.Axis != "" {
		d.plotAxis(r)
		return
	}
	if p.Metric == "" {
		return
	}
	for _, along := range axes[:2] {
		for _, a := range d.Arms {
			var xs, ys [][]float64
			for _, seed := range d.Seeds {
				f, ok := runs[job{a, seed}]
				if !ok {
					continue
				}
				h := f.lines[p.Stage]
				values, lines := h.series(p.Metric)
				var x []float64
				for _, i := range lines {
					x = append(x, h.along[along][i])
				}
				xs, ys = append(xs, x), append(ys, values)
			}
			if line := meanLine(xs, ys); len(line.X) > 0 {
				line.Panel, line.Arm = along, a.Name
				r.Plot.Lines = append(r.Plot.Lines, line)
			}
		}
	}
}

// plotAxis draws measures against the grid.
func (d *Design) plotAxis(r *Results) {
	for _, m := range d.File.Plot.Measures {
		k := slices.Index(r.Measures, m)
		for _, g := range d.groups(d.File.Plot.Axis) {
			line := Line{Panel: m, Arm: g.name}
			for n, i := range g.arms {
				var v []float64
				for _, x := range r.Arms[i].Values[k] {
					if !math.IsNaN(float64(x)) {
						v = append(v, float64(x))
					}
				}
				if len(v) > 0 {
					line.add(g.at[n], v)
				}
			}
			r.Plot.Lines = append(r.Plot.Lines, line)
		}
	}
}

// meanLine is the mean of curves whose points belong together: the i-th of each.
func meanLine(xs, ys [][]float64) (line Line) {
	longest := 0
	for _, x := range xs {
		longest = max(longest, len(x))
	}
	for i := range longest {
		var x, y []float64
		for s := range xs {
			if i < len(xs[s]) {
				x, y = append(x, xs[s][i]), append(y, ys[s][i])
			}
		}
		if len(x) == len(xs) { // a curve that ended early would make a jump
			line.add(meanOf(x, 0), y)
		}
	}
	return line
}

// add appends a point: the mean of y with its 95% interval.
func (l *Line) add(x float64, y []float64) {
	mean, low, high := eval.MeanInterval(y)
	l.X, l.Y, l.Low, l.High = append(l.X, Num(x)), append(l.Y, Num(mean)), append(l.Low, Num(low)), append(l.High, Num(high))
}
