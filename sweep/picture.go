package sweep

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Sizes of the picture, in its own units.
const (
	plotWidth, plotHeight   = 300.0, 200.0
	marginLeft, marginRight = 64.0, 20.0
	marginTop, marginBottom = 34.0, 46.0
	rowHeight               = 16.0 // of the differences and of the legend
	nameWidth               = 190.0
)

// colours are a set that the colour-blind can tell apart (Okabe and Ito 2008); beyond it lines are dashed.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}

// Picture is the results as SVG: the curves, each with the 95% interval of its mean over seeds, and below them the paired
// differences of the first measure that has any, with their intervals.
func (r *Results) Picture() string {
	var panels []string
	for _, l := range r.Plot.Lines {
		if !slices.Contains(panels, l.Panel) {
			panels = append(panels, l.Panel)
		}
	}
	var differences []Comparison
	for _, c := range r.Comparisons {
		if !math.IsNaN(float64(c.Low)) && (len(differences) == 0 || differences[0].Measure == c.Measure) {
			differences = append(differences, c)
		}
	}
	arms := r.lineArms()
	panelWidth := marginLeft + plotWidth + marginRight
	width := panelWidth * float64(max(len(panels), 2))
	top := 30.0
	curves := 0.0
	if len(panels) > 0 {
		curves = marginTop + plotHeight + marginBottom + rowHeight*math.Ceil(float64(len(arms))/3) + 10
	}
	forest := 0.0
	if len(differences) > 0 {
		forest = 60 + rowHeight*float64(len(differences))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="11">`+"\n", width, top+curves+forest)
	fmt.Fprintf(&b, `<rect width="%.0f" height="%.0f" fill="#fff"/>`+"\n", width, top+curves+forest)
	fmt.Fprintf(&b, `<text x="12" y="20" font-weight="bold" font-size="13">%s</text>`+"\n", html.EscapeString(r.Title))
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(%.0f %.0f)">`+"\n", panelWidth*float64(i)+marginLeft, top+marginTop)
		r.panel(&b, p, arms)
		b.WriteString("</g>\n")
	}
	for i, a := range arms {
		x, y := 20+width/3*float64(i%3), top+marginTop+plotHeight+marginBottom+rowHeight*float64(i/3)
		fmt.Fprintf(&b, `<path d="M%.0f %.0fh22" %s stroke-width="2.5"/><text x="%.0f" y="%.0f">%s</text>`+"\n", x, y, stroke(i), x+28, y+4, html.EscapeString(a))
	}
	if len(differences) > 0 {
		fmt.Fprintf(&b, `<g transform="translate(0 %.0f)">`+"\n", top+curves)
		forestPlot(&b, differences, width)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (r *Results) lineArms() (arms []string) {
	for _, l := range r.Plot.Lines {
		if !slices.Contains(arms, l.Arm) {
			arms = append(arms, l.Arm)
		}
	}
	return arms
}

// stroke is how the i-th arm's line looks.
func stroke(i int) string {
	s := fmt.Sprintf(`fill="none" stroke="%s"`, colours[i%len(colours)])
	switch i / len(colours) % 3 {
	case 1:
		s += ` stroke-dasharray="6 3"`
	case 2:
		s += ` stroke-dasharray="2 3"`
	}
	return s
}

// panel draws the curves along one axis.
func (r *Results) panel(b *strings.Builder, name string, arms []string) {
	x, y := newScale(), newScale()
	x.log = r.Plot.Axis != ""
	for _, l := range r.Plot.Lines {
		if l.Panel != name {
			continue
		}
		for i := range l.X {
			x.see(l.X[i])
			y.see(l.Y[i], l.Low[i], l.High[i])
		}
	}
	x.fit(plotWidth, false)
	y.fit(plotHeight, true)
	title, below := r.Plot.Metric, name
	if r.Plot.Axis != "" {
		title, below = name, r.Plot.Axis
	}
	fmt.Fprintf(b, `<text y="-10" font-weight="bold">%s</text><text x="%.0f" y="%.0f" text-anchor="middle">%s</text>`+"\n",
		html.EscapeString(title), plotWidth/2, plotHeight+34, html.EscapeString(below))
	for _, v := range y.ticks() {
		fmt.Fprintf(b, `<path d="M0 %.1fh%.0f" stroke="#ddd"/><text x="-6" y="%.1f" text-anchor="end">%s</text>`+"\n", y.at(v), plotWidth, y.at(v)+4, tick(v))
	}
	for _, v := range x.ticks() {
		fmt.Fprintf(b, `<text x="%.1f" y="%.0f" text-anchor="middle">%s</text>`+"\n", x.at(v), plotHeight+16, tick(v))
	}
	for _, l := range r.Plot.Lines {
		if l.Panel != name || len(l.X) == 0 {
			continue
		}
		i := slices.Index(arms, l.Arm)
		if band := l.band(x, y); band != "" {
			fmt.Fprintf(b, `<path d="%s" fill="%s" opacity="0.12"/>`+"\n", band, colours[i%len(colours)])
		}
		fmt.Fprintf(b, `<path d="%s" %s stroke-width="1.8"/>`+"\n", l.path(x, y), stroke(i))
	}
}

// path joins a line's points.
func (l Line) path(x, y *scale) string {
	out := ""
	for i := range l.X {
		out += fmt.Sprintf("%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], x.at(float64(l.X[i])), y.at(float64(l.Y[i])))
	}
	return out
}

// band is the area of a line's intervals, "" when a point has none.
func (l Line) band(x, y *scale) string {
	var points []string
	for i := range l.X {
		if math.IsNaN(float64(l.High[i])) {
			return ""
		}
		points = append(points, fmt.Sprintf("%.1f %.1f", x.at(float64(l.X[i])), y.at(float64(l.High[i]))))
	}
	for i := len(l.X) - 1; i >= 0; i-- {
		points = append(points, fmt.Sprintf("%.1f %.1f", x.at(float64(l.X[i])), y.at(float64(l.Low[i]))))
	}
	return "M" + strings.Join(points, "L") + "Z"
}

// forestPlot draws differences with their intervals, one a row; shown ones are filled.
func forestPlot(b *strings.Builder, cs []Comparison, width float64) {
	x := newScale()
	x.see(0)
	for _, c := range cs {
		x.see(c.Low, c.High)
	}
	x.fit(width-nameWidth*2-40, false)
	fmt.Fprintf(b, `<text x="12" y="14" font-weight="bold">%s: difference, paired over seeds, 95%%</text>`+"\n", html.EscapeString(cs[0].Measure))
	height := rowHeight * float64(len(cs))
	fmt.Fprintf(b, `<g transform="translate(%.0f 26)">`+"\n", nameWidth*2+10)
	for _, v := range x.ticks() {
		fmt.Fprintf(b, `<path d="M%.1f 0v%.0f" stroke="#ddd"/><text x="%.1f" y="%.0f" text-anchor="middle">%s</text>`+"\n", x.at(v), height, x.at(v), height+14, tick(v))
	}
	fmt.Fprintf(b, `<path d="M%.1f 0v%.0f" stroke="#555"/>`+"\n", x.at(0), height)
	for i, c := range cs {
		y := rowHeight * (float64(i) + 0.5)
		fill := "#fff"
		if c.Shown {
			fill = colours[0]
		}
		fmt.Fprintf(b, `<text x="-12" y="%.1f" text-anchor="end">%s</text><path d="M%.1f %.1fH%.1f" stroke="%s" stroke-width="1.5"/><circle cx="%.1f" cy="%.1f" r="3.5" fill="%s" stroke="%s"/>`+"\n",
			y+4, html.EscapeString(c.Arm+" − "+c.Against), x.at(float64(c.Low)), y, x.at(float64(c.High)), colours[0], x.at(float64(c.Mean)), y, fill, colours[0])
	}
	b.WriteString("</g>\n")
}

// scale places values along a length.
type scale struct {
	low, high float64
	length    float64
	down      bool // values rise as the place falls
	log       bool
}

func newScale() *scale { return &scale{low: math.Inf(1), high: math.Inf(-1)} }

func (s *scale) see(values ...Num) {
	for _, n := range values {
		if v := float64(n); !math.IsNaN(v) {
			s.low, s.high = min(s.low, v), max(s.high, v)
		}
	}
}

// fit ends the seeing: the values' range goes over the length, widened to whole ticks unless it is on a log scale.
func (s *scale) fit(length float64, down bool) {
	s.length, s.down = length, down
	switch {
	case math.IsInf(s.low, 1):
		s.low, s.high, s.log = 0, 1, false
	case s.low == s.high && s.log:
		s.low, s.high = s.low/2, s.high*2
	case s.low == s.high:
		s.low, s.high = s.low-0.5, s.high+0.5
	}
	if !s.log {
		step := s.step()
		s.low, s.high = step*math.Floor(s.low/step+1e-9), step*math.Ceil(s.high/step-1e-9)
	}
}

// step is the next of 1, 2, 5, 10, … from a fourth of the range.
func (s *scale) step() float64 {
	want := (s.high - s.low) / 4
	power := math.Pow(10, math.Floor(math.Log10(want)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= want*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

func (s *scale) at(v float64) float64 {
	part := (v - s.low) / (s.high - s.low)
	if s.log {
		part = math.Log(v/s.low) / math.Log(s.high/s.low)
	}
	if s.down {
		part = 1 - part
	}
	return part * s.length
}

// ticks are the values that stand at the scale: doublings from the lowest on a log scale.
func (s *scale) ticks() (out []float64) {
	if s.log {
		for v := s.low; v <= s.high*(1+1e-9); v *= 2 {
			out = append(out, v)
		}
		return out
	}
	step := s.step()
	for i := 0.0; s.low+i*step <= s.high+step/2; i++ {
		out = append(out, s.low+i*step)
	}
	return out
}

// tick is a value at a scale.
func tick(v float64) string {
	if math.Abs(v) < 1e-12 {
		return "0"
	}
	switch a := math.Abs(v); {
	case a >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 4, 64) + "M"
	case a >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 4, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
