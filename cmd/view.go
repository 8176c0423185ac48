package cmd

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/train"
)

// view is the live view of a run: what it shows, apart from where.
type view struct {
	name        string
	step, steps int
	phase, done string
	left        string
	metrics     train.Metrics
	sample      *train.Sample
	rewards     []float64 // of every step, for the little curve
	paint       func(code, s string) string
}

// block is a few lines that are shown or left out together.
type block struct {
	lines []string
	need  int // when the screen is small 1 is left out first, then 2, 3 ...; 0 always stays
	least int // lines that may be left of it before more needed blocks go; 0: all of them
}

// labelWidth is the column of labels on the left.
const labelWidth = 9

// lines lays the view out for a screen.
func (v *view) lines(width, height int) []string {
	bar := max(min(24, width-48), 8)
	blocks := []block{{lines: wrap([]string{
		v.paint(bold, v.name), fmt.Sprintf("step %d/%d", v.step, v.steps), progressBar(v.step, v.steps, bar),
		v.paint(green, v.phase+v.done), "left " + v.left,
	}, "  ", width, 2)}}
	if len(v.metrics) > 0 {
		parts, details := v.parts()
		blocks = append(blocks,
			v.block("reward", 0, width, v.words("reward")...),
			v.block("", 2, width, v.curve(width)),
			v.block("parts", 0, width, parts...),
			v.block("", 1, width, details...),
			v.block("policy", 0, width, v.words("kl", "entropy", "length", "loss", "grad_norm", "lr", "logp_gap", "missing")...),
			v.block("time", 4, width, v.times()...))
	}
	if s := v.sample; s != nil {
		blocks = append(blocks, v.text("prompt", flat(s.Prompt), 3, width, 2))
		blocks = append(blocks, v.text("sample", flat(s.Text), 0, width, 4), v.block("", 3, width, v.paint(dim, verdict(s))))
		blocks[len(blocks)-2].least = 2
	}
	return fit(blocks, height)
}

// fit leaves out what is least needed until the rest fits: whole blocks, before the last of them lines of the sample.
// What is still too much is cut at the end.
func fit(blocks []block, height int) []string {
	for need := 1; need <= mostNeeded && size(blocks) > height; need++ {
		if need == mostNeeded && shrink(blocks, height) {
			break
		}
		blocks = slices.DeleteFunc(blocks, func(b block) bool { return b.need == need })
	}
	var out []string
	for _, b := range blocks {
		out = append(out, b.lines...)
	}
	return out[:min(len(out), max(height, 1))]
}

// mostNeeded is the last block that goes.
const mostNeeded = 4

// shrink takes lines off the blocks that may lose some, and says whether all fits now.
func shrink(blocks []block, height int) bool {
	for i, b := range blocks {
		if b.least > 0 {
			keep := max(b.least, len(b.lines)-(size(blocks)-height))
			blocks[i].lines = b.lines[:min(len(b.lines), keep)]
		}
	}
	return size(blocks) <= height
}

func size(blocks []block) (n int) {
	for _, b := range blocks {
		n += len(b.lines)
	}
	return n
}

func (v *view) block(label string, need, width int, words ...string) block {
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	if len(words) == 0 {
		return block{need: need}
	}
	lines := wrap(words, "  ", width-labelWidth, 0)
	for i := range lines {
		name := ""
		if i == 0 {
			name = label
		}
		lines[i] = v.paint(dim, fmt.Sprintf("%-*s", labelWidth, name)) + lines[i]
	}
	return block{lines: lines, need: need}
}

// text is a block of running text, of at most most lines.
func (v *view) text(label, s string, need, width, most int) block {
	var lines []string
	for room := max(width-labelWidth, 8); s != "" && len(lines) < most; {
		line := clip(s, room)
		s = strings.TrimPrefix(s[min(len(line), len(s)):], " ")
		lines = append(lines, line)
	}
	if lines == nil {
		lines = []string{"(empty)"}
	}
	b := v.block(label, need, width, lines[0])
	for _, l := range lines[1:] {
		b.lines = append(b.lines, strings.Repeat(" ", labelWidth)+l)
	}
	return b
}

// words are metrics that are there, as "name value".
func (v *view) words(names ...string) []string {
	var out []string
	for _, n := range names {
		x, ok := v.metrics.Get(n)
		switch {
		case !ok || n == "missing" && x == 0:
		case n == "reward":
			out = append(out, v.paint(bold, short(x)))
		default:
			out = append(out, n+" "+short(x))
		}
	}
	return out
}

// parts are the rewards of the list, and apart from them the parts of each.
func (v *view) parts() (parts, details []string) {
	for _, m := range v.metrics {
		name, ok := strings.CutPrefix(m.Name, "reward/")
		switch {
		case !ok:
		case strings.Contains(name, "/"):
			details = append(details, name+" "+short(m.Value))
		default:
			parts = append(parts, name+" "+short(m.Value))
		}
	}
	return parts, details
}

// times are the tokens a second and how the step's time was spent.
func (v *view) times() []string {
	var out []string
	if x, ok := v.metrics.Get("tokens_per_second"); ok {
		out = append(out, short(x)+" tokens/s")
	}
	total, ok := v.metrics.Get("seconds/step")
	if !ok || total <= 0 {
		return out
	}
	out = append(out, fmt.Sprintf("step %.2f s", total))
	for _, m := range v.metrics {
		name, ok := strings.CutPrefix(m.Name, "seconds/")
		switch {
		case !ok || name == "step":
		case m.Value > total || name == "evaluation": // not a part of the step
			out = append(out, fmt.Sprintf("%s %.2f s", name, m.Value))
		default:
			out = append(out, fmt.Sprintf("%s %.0f%%", strings.ReplaceAll(name, "_", " "), 100*m.Value/total))
		}
	}
	return out
}

// curve draws the last rewards with block characters.
func (v *view) curve(width int) string {
	const blocks = "▁▂▃▄▅▆▇█"
	ramp := []rune(blocks)
	r := v.rewards[max(0, len(v.rewards)-max(width-labelWidth, 8)):]
	if len(r) < 2 {
		return ""
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, x := range r {
		if !math.IsNaN(x) {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	var b strings.Builder
	for _, x := range r {
		switch {
		case math.IsNaN(x):
			b.WriteByte(' ')
		case hi == lo:
			b.WriteRune(ramp[0])
		default:
			b.WriteRune(ramp[int((x-lo)/(hi-lo)*float64(len(ramp)-1)+0.5)])
		}
	}
	return b.String()
}

func verdict(s *train.Sample) string {
	if s.Missing != "" {
		return "(" + flat(s.Missing) + ")"
	}
	return "reward " + short(s.Reward)
}

func progressBar(done, total, width int) string {
	n := 0
	if total > 0 {
		n = min(width*done/total, width)
	}
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", width-n) + "]"
}

func short(v float64) string {
	size := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return "-"
	case v == math.Trunc(v) && size < 1e6, size >= 1000 && size < 1e6:
		return fmt.Sprintf("%.0f", v)
	case size < 1e-3 || size >= 1e6:
		return fmt.Sprintf("%.2e", v)
	}
	return fmt.Sprintf("%.4g", v)
}
