package implicit

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Sizes of the picture, in its own units.
const (
	perLine      = 64 // tokens
	cell         = 14.0
	barsHeight   = 120.0
	valueHeight  = 60.0
	labelHeight  = 78.0 // rotated token texts
	gap          = 14.0
	titleHeight  = 26.0
	marginLeft   = 56.0
	marginRight  = 16.0
	lineHeight   = barsHeight + labelHeight + valueHeight + 2*gap
	labelLetters = 12 // of a token's text at most
)

// Two colours of a set that the colour-blind can tell apart (Okabe and Ito 2008).
const (
	above, below = "#0072b2", "#d55e00"
	ink          = "#444"
)

// Picture draws texts as an SVG. A text is broken into lines of 64 tokens; each line has a bar for every token's implicit
// reward, blue above 0 and orange below, the tokens, and V along them. Lines of a text share their scales. It is written
// by hand because one kind of chart is smaller than any library that draws it.
func Picture(texts []Text) string {
	width, height := marginLeft+perLine*cell+marginRight, 0.0
	for _, t := range texts {
		height += titleHeight + lineHeight*float64(max(1, (len(t.IDs)+perLine-1)/perLine))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="10" fill="%s">`+"\n", width, height, ink)
	fmt.Fprintf(&b, `<rect width="%.0f" height="%.0f" fill="#fff"/>`+"\n", width, height)
	y := 0.0
	for _, t := range texts {
		fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" font-size="12" font-weight="bold">%s</text>`+"\n", marginLeft, y+18, t.title())
		y += titleHeight
		for from := 0; from < max(1, len(t.IDs)); from += perLine {
			t.line(&b, y, from, min(from+perLine, len(t.IDs)))
			y += lineHeight
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (t Text) title() string {
	return fmt.Sprintf("implicit reward %s·log(π/π_ref): %.4f over %d tokens", number(t.Beta), t.Total(), len(t.IDs))
}

// line draws tokens [from, to) with the top at y.
func (t Text) line(b *strings.Builder, y float64, from, to int) {
	low, high := bounds(t.Implicit, true)
	place := func(v float64) float64 { return barsHeight * (high - v) / (high - low) }
	fmt.Fprintf(b, `<g transform="translate(%.0f %.0f)">`+"\n", marginLeft, y)
	for _, v := range []float64{low, 0, high} {
		fmt.Fprintf(b, `<path d="M0 %.1fh%.0f" stroke="#ddd"/><text x="-6" y="%.1f" text-anchor="end">%s</text>`+"\n", place(v), perLine*cell, place(v)+4, number(v))
	}
	for i := from; i < to; i++ {
		x, v := cell*float64(i-from), t.Implicit[i]
		colour := above
		if v < 0 {
			colour = below
		}
		fmt.Fprintf(b, `<rect x="%.1f" y="%.2f" width="%.1f" height="%.2f" fill="%s"><title>%s: %.4f</title></rect>`+"\n",
			x+1, min(place(v), place(0)), cell-2, math.Abs(place(v)-place(0)), colour, escape(t.Tokens[i]), v)
		fmt.Fprintf(b, `<text transform="translate(%.1f %.0f) rotate(90)">%s</text>`+"\n", x+cell/2-3, barsHeight+8, escape(short(t.Tokens[i])))
	}
	t.values(b, from, to)
	b.WriteString("</g>\n")
}

// values draws V along the tokens below the line's labels.
func (t Text) values(b *strings.Builder, from, to int) {
	low, high := bounds(t.V, false)
	top := barsHeight + labelHeight
	place := func(v float64) float64 { return top + valueHeight*(high-v)/(high-low) }
	for _, v := range []float64{low, high} {
		fmt.Fprintf(b, `<path d="M0 %.1fh%.0f" stroke="#ddd"/><text x="-6" y="%.1f" text-anchor="end">%s</text>`+"\n", place(v), perLine*cell, place(v)+4, number(v))
	}
	fmt.Fprintf(b, `<text x="-44" y="%.1f">V</text>`+"\n", top+valueHeight/2+4)
	path := ""
	for i := from; i < to; i++ {
		path += fmt.Sprintf("%.1f %.2f ", cell*(float64(i-from)+0.5), place(t.V[i]))
	}
	if path != "" {
		fmt.Fprintf(b, `<path d="M%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", strings.TrimSpace(path), ink)
	}
}

// bounds are those of values, and of 0 where asked; never empty.
func bounds(xs []float64, zero bool) (low, high float64) {
	if len(xs) > 0 {
		low, high = slices.Min(xs), slices.Max(xs)
	}
	if zero {
		low, high = min(low, 0), max(high, 0)
	}
	if low == high {
		low, high = low-1, high+1
	}
	return low, high
}

func number(v float64) string { return fmt.Sprintf("%.3g", v) }

func short(s string) string {
	letters := []rune(s)
	if len(letters) > labelLetters {
		return string(letters[:labelLetters-1]) + "…"
	}
	return s
}

func escape(s string) string { return html.EscapeString(s) }
