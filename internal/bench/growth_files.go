package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// panel is one of the picture's three.
type panel struct {
	work           Work
	title, x, rate string
}

var panels = []panel{
	{Decoding, "decoding", "sequences together", "tokens sampled a second"},
	{Prompts, "prompt processing", "tokens of the prompt", "tokens read a second"},
	{Training, "training (SFT, all weights)", "tokens of a sequence", "tokens trained a second"},
}

// threadsOf lists the numbers of threads that occur, ascending.
func threadsOf(points []GrowthPoint) []int {
	var n []int
	for _, p := range points {
		n = append(n, p.Threads)
	}
	slices.Sort(n)
	return slices.Compact(n)
}

// GrowthTable is the points as Markdown: a table for each kind of work, a column for each number of threads, and the
// peak of the resident set with the most threads.
func GrowthTable(points []GrowthPoint) string {
	var b strings.Builder
	threads := threadsOf(points)
	for _, p := range panels {
		mine := of(points, p.work)
		if len(mine) == 0 {
			continue
		}
		fmt.Fprintf(&b, "| %s: %s |", p.title, p.x)
		for _, n := range threads {
			fmt.Fprintf(&b, " %s |", threadsText(n))
		}
		fmt.Fprintf(&b, " peak memory |\n|%s\n", strings.Repeat(" ---: |", len(threads)+2))
		for len(mine) > 0 {
			x := mine[0].X
			fmt.Fprintf(&b, "| %d |", x)
			memory := int64(0)
			for _, n := range threads {
				cell := " - |"
				if len(mine) > 0 && mine[0].X == x && mine[0].Threads == n {
					cell = fmt.Sprintf(" %s |", number(mine[0].PerSecond.Median))
					memory = mine[0].PeakRSS
					mine = mine[1:]
				}
				b.WriteString(cell)
			}
			fmt.Fprintf(&b, " %.0f MB |\n", float64(memory)/1e6)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func threadsText(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}

// number has three digits or more, and commas.
func number(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.3g", v)
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Sizes of the picture, in its own units.
const (
	plotWidth, plotHeight     = 250.0, 190.0
	marginLeft, marginRight   = 62.0, 24.0
	marginTop, marginBottom   = 58.0, 48.0
	panelWidth, pictureHeight = marginLeft + plotWidth + marginRight, marginTop + plotHeight + marginBottom
)

// colours of the lines, by number of threads in order: blue and orange of a set that the colour-blind can tell apart
// (Okabe and Ito 2008), then green and purple.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"}

// GrowthPicture is the points as an SVG: a panel for each kind of work, a line for each number of threads. It is written
// by hand because one kind of chart, of a hundred lines, is smaller than any library that draws it.
func GrowthPicture(points []GrowthPoint) string {
	var b strings.Builder
	threads := threadsOf(points)
	width := panelWidth * float64(len(panels))
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="11">`+"\n", width, pictureHeight)
	fmt.Fprintf(&b, `<rect width="%.0f" height="%.0f" fill="#fff"/>`+"\n", width, pictureHeight)
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(%.0f %.0f)">`+"\n", panelWidth*float64(i)+marginLeft, marginTop)
		p.draw(&b, of(points, p.work), threads)
		b.WriteString("</g>\n")
	}
	for i, n := range threads {
		x := marginLeft + 100*float64(i)
		fmt.Fprintf(&b, `<path d="M%.0f 16h22" stroke="%s" stroke-width="2.5"/><text x="%.0f" y="20">%s</text>`+"\n",
			x, colours[i%len(colours)], x+28, threadsText(n))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// draw draws a panel whose origin is the plot's upper left corner. x doubles from step to step, y begins at 0.
func (p panel) draw(b *strings.Builder, points []GrowthPoint, threads []int) {
	fmt.Fprintf(b, `<text y="-12" font-weight="bold">%s</text><text x="%.0f" y="%.0f" text-anchor="middle">%s</text>`+"\n",
		p.title, plotWidth/2, plotHeight+38, p.x)
	fmt.Fprintf(b, `<text transform="translate(-50 %.0f) rotate(-90)" text-anchor="middle">%s</text>`+"\n", plotHeight/2, p.rate)
	if len(points) == 0 {
		return
	}
	most := 0.0
	for _, q := range points {
		most = max(most, q.PerSecond.Median)
	}
	step := niceStep(most / 4)
	top := step * math.Ceil(most/step)
	least, last := points[0].X, points[len(points)-1].X
	place := func(q GrowthPoint) (x, y float64) {
		return alongDoublings(q.X, least, last), plotHeight * (1 - q.PerSecond.Median/top)
	}
	for v := 0.0; v <= top+step/2; v += step {
		y := plotHeight * (1 - v/top)
		fmt.Fprintf(b, `<path d="M0 %.1fh%.0f" stroke="#ddd"/><text x="-6" y="%.1f" text-anchor="end">%s</text>`+"\n", y, plotWidth, y+4, number(v))
	}
	for i, q := range points {
		if i == 0 || points[i-1].X != q.X {
			fmt.Fprintf(b, `<text x="%.1f" y="%.0f" text-anchor="middle">%d</text>`+"\n", alongDoublings(q.X, least, last), plotHeight+18, q.X)
		}
	}
	for i, n := range threads {
		colour, path := colours[i%len(colours)], "M"
		for _, q := range points {
			if q.Threads == n {
				x, y := place(q)
				path += fmt.Sprintf("%.1f %.1f ", x, y)
				fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x, y, colour)
			}
		}
		if path != "M" {
			fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.TrimSpace(path), colour)
		}
	}
}

// alongDoublings places v between least and last on a scale of powers of two.
func alongDoublings(v, least, last int) float64 {
	if least == last {
		return plotWidth / 2
	}
	return plotWidth * math.Log2(float64(v)/float64(least)) / math.Log2(float64(last)/float64(least))
}

// niceStep is the next of 1, 2, 5, 10, … from v.
func niceStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v {
			return m * power
		}
	}
	return 10 * power
}
