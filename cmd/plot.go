package cmd

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	plotHeight = 10 // rows of the curve
	plotWidth  = 72 // columns of the curve at most
	plotLabels = 10 // columns of the labels on the left
)

// plot draws values over steps 0, 1, 2 … as bars from 0, each column the mean of its steps.
func plot(values []float64, width int) string {
	columns := max(min(width-plotLabels-2, plotWidth), 8)
	bars, top := make([]float64, columns), max(slices.Max(values), math.SmallestNonzeroFloat64)
	for c := range bars {
		from := c * len(values) / columns
		to := max((c+1)*len(values)/columns, from+1)
		for _, v := range values[from:to] {
			bars[c] += v / float64(to-from)
		}
	}
	var b strings.Builder
	for row := range plotHeight {
		label := ""
		switch row {
		case 0:
			label = short(top)
		case plotHeight / 2:
			label = short(top / 2)
		}
		var line strings.Builder
		for _, v := range bars {
			line.WriteString(barPart(v/top*plotHeight - float64(plotHeight-1-row)))
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("%*s │%s", plotLabels, label, line.String()), " ") + "\n")
	}
	fmt.Fprintf(&b, "%*s └%s\n", plotLabels, "0", strings.Repeat("─", columns))
	b.WriteString(strings.Repeat(" ", plotLabels+2) + axis(len(values), columns) + "\n")
	return b.String()
}

// barPart is what a bar shows of a row that it fills to v: nothing, a part, or all of it.
func barPart(v float64) string {
	eighths := []rune(" ▁▂▃▄▅▆▇█")
	return string(eighths[min(max(int(v*8+0.5), 0), 8)])
}

// axis labels a row of columns with steps: the first, three between, and the number of them all.
func axis(steps, columns int) string {
	line := []byte(strings.Repeat(" ", columns+8))
	free := 0
	for quarter := range 5 {
		at := columns * quarter / 4
		label := fmt.Sprint(steps * quarter / 4)
		if at -= len(label) - 1; quarter == 0 {
			at = 0
		}
		if at < free {
			continue
		}
		copy(line[at:], label)
		free = at + len(label) + 1
	}
	return strings.TrimRight(string(line), " ")
}
