package cmd

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/eval"
)

// progress shows a training run: a live view on a terminal, plain lines elsewhere, JSON lines with --json.
type progress struct {
	t       *term
	name    string
	began   time.Time // of the first step of this process
	first   int       // steps done before it
	drawn   time.Time
	step    int
	steps   int
	phase   string
	done    string
	metrics train.Metrics
	sample  *train.Sample
	report  *eval.Report
	rewards []float64 // of every step, for the little curve
}

func newProgress(t *term, name string) *progress { return &progress{t: t, name: name, first: -1} }

// redrawEvery bounds how often the live view is drawn.
const redrawEvery = 100 * time.Millisecond

// Observe implements train.Observer.
func (p *progress) Observe(e train.Event) {
	p.step, p.steps = e.Step, e.Steps
	switch e.Kind {
	case train.Started:
		p.t.note("run folder: %s", e.Text)
	case train.Phase:
		if p.first < 0 {
			p.first, p.began = e.Step, time.Now()
		}
		p.phase, p.done = e.Phase, ""
	case train.Progress:
		p.done = fmt.Sprintf(" %d/%d", e.Done, e.Total)
	case train.StepDone:
		p.metrics, p.sample = e.Metrics, e.Sample
		if r, ok := e.Metrics.Get("reward"); ok {
			p.rewards = append(p.rewards, r)
		}
		p.stepDone()
	case train.Evaluated:
		p.report = e.Report
		if !p.t.json {
			p.t.note("%s", evalLine(e.Step, e.Report))
		}
	case train.Note:
		p.t.note("%s", e.Text)
	case train.Ended:
		p.ended(e)
		return
	}
	p.draw(e.Kind == train.StepDone)
}

// ended takes the live view away and says how it went.
func (p *progress) ended(e train.Event) {
	if e.Text != "" {
		p.t.note("%s; saved; go on with --resume", e.Text)
		return
	}
	p.t.note("done: %d steps in %s", e.Steps, time.Since(p.began).Round(time.Second))
}

func (p *progress) stepDone() {
	if p.t.json {
		p.t.out.Write(append(encode(p.metrics), '\n'))
		return
	}
	if p.t.live || p.t.quiet {
		return
	}
	p.t.note("%s", p.line())
}

// line is a step in plain text.
func (p *progress) line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "step %d/%d", p.step, p.steps)
	for _, name := range []string{"reward", "loss", "kl", "entropy", "length", "grad_norm", "lr", "tokens_per_second"} {
		if v, ok := p.metrics.Get(name); ok {
			fmt.Fprintf(&b, "  %s %s", name, short(v))
		}
	}
	fmt.Fprintf(&b, "  left %s", p.left())
	return b.String()
}

// draw shows the live view.
func (p *progress) draw(now bool) {
	if !p.t.live || p.t.quiet || p.t.json || !now && time.Since(p.drawn) < redrawEvery {
		return
	}
	p.drawn = time.Now()
	t := p.t
	width, _ := t.size()
	lines := []string{
		t.paint(bold, p.name) + fmt.Sprintf("  step %d/%d  %s  %s%s  left %s", p.step, p.steps, bar(p.step, p.steps, 24), t.paint(green, p.phase), p.done, p.left()),
	}
	if len(p.metrics) > 0 {
		lines = append(lines, p.group("", "reward", "loss", "kl", "entropy", "length", "grad_norm", "lr", "logp_gap", "tokens_per_second"))
		if parts := p.group("reward/", p.names("reward/")...); parts != "" {
			lines = append(lines, parts)
		}
		lines = append(lines, p.group("seconds/", p.names("seconds/")...))
		if len(p.rewards) > 1 {
			lines = append(lines, "reward "+spark(p.rewards, width-10))
		}
	}
	if p.report != nil {
		lines = append(lines, evalLine(0, p.report))
	}
	if s := p.sample; s != nil {
		lines = append(lines, t.paint(dim, "prompt ")+flat(s.Prompt), t.paint(dim, "sample ")+flat(s.Text)+t.paint(dim, "  "+rewardOf(s)))
	}
	t.redraw(lines)
}

func rewardOf(s *train.Sample) string {
	if s.Missing != "" {
		return "(" + s.Missing + ")"
	}
	return "reward " + short(s.Reward)
}

// names are the metrics with a prefix, in order.
func (p *progress) names(prefix string) []string {
	var out []string
	for _, m := range p.metrics {
		if strings.HasPrefix(m.Name, prefix) {
			out = append(out, m.Name)
		}
	}
	return out
}

func (p *progress) group(prefix string, names ...string) string {
	var b strings.Builder
	for _, n := range names {
		if v, ok := p.metrics.Get(n); ok {
			if b.Len() > 0 {
				b.WriteString("  ")
			}
			fmt.Fprintf(&b, "%s %s", strings.TrimPrefix(n, prefix), short(v))
		}
	}
	if b.Len() == 0 || prefix == "" {
		return b.String()
	}
	return p.t.paint(dim, strings.TrimSuffix(prefix, "/")+" ") + b.String()
}

// left estimates the time to the end from the steps of this process.
func (p *progress) left() string {
	n := p.step - p.first
	if p.first < 0 || n < 1 {
		return "?"
	}
	per := time.Since(p.began) / time.Duration(n)
	return (per * time.Duration(p.steps-p.step)).Round(time.Second).String()
}

func evalLine(step int, r *eval.Report) string {
	var b strings.Builder
	b.WriteString("eval")
	if step > 0 {
		fmt.Fprintf(&b, " after step %d", step)
	}
	fmt.Fprintf(&b, " (%d items)", r.Items)
	for _, m := range r.Metrics {
		if math.IsNaN(m.Low) || m.Unit != eval.UnitShare {
			continue
		}
		fmt.Fprintf(&b, "  %s %.3f [%.3f, %.3f]", m.Name, m.Value, m.Low, m.High)
	}
	return b.String()
}

func bar(done, total, width int) string {
	n := 0
	if total > 0 {
		n = width * done / total
	}
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", width-n) + "]"
}

// spark draws the last values as a curve of block characters.
func spark(v []float64, width int) string {
	const blocks = "▁▂▃▄▅▆▇█"
	ramp := []rune(blocks)
	v = v[max(0, len(v)-max(width, 8)):]
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, x := range v {
		if !math.IsNaN(x) {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	var b strings.Builder
	for _, x := range v {
		switch {
		case math.IsNaN(x):
			b.WriteByte(' ')
		case hi == lo:
			b.WriteRune(ramp[0])
		default:
			b.WriteRune(ramp[int((x-lo)/(hi-lo)*float64(len(ramp)-1)+0.5)])
		}
	}
	return b.String() + " " + short(v[len(v)-1])
}

func short(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case v == math.Trunc(v) && math.Abs(v) < 1e6:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) < 1e-3 || math.Abs(v) >= 1e6:
		return fmt.Sprintf("%.2e", v)
	}
	return fmt.Sprintf("%.4g", v)
}

func flat(s string) string { return strings.Join(strings.Fields(s), " ") }
