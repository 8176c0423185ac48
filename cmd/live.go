package cmd

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/eval"
)

// progress shows a training run: a live view on a terminal, plain lines elsewhere, JSON lines with --json.
type progress struct {
	t    *term
	stop chan struct{} // ends the ticker; nil without a live view

	mu    sync.Mutex
	drawn time.Time
	began time.Time // of the first step of this process
	first int       // steps done before it; -1 until then
	view  view
}

// How often the live view is drawn: at most, while things happen, and at least, while nothing does.
const (
	redrawEvery = 100 * time.Millisecond
	redrawIdle  = time.Second
)

func newProgress(t *term, name string) *progress {
	p := &progress{t: t, first: -1, view: view{name: name, paint: t.paint}}
	if t.live && !t.piped && !t.quiet && !t.json {
		p.stop = make(chan struct{})
		go p.tick(p.stop)
	}
	return p
}

// tick keeps the clock going while a step takes long, and follows a terminal that changes its size.
func (p *progress) tick(stop <-chan struct{}) {
	clock := time.NewTicker(redrawIdle)
	defer clock.Stop()
	for {
		select {
		case <-stop:
			return
		case <-clock.C:
			p.mu.Lock()
			p.draw(false)
			p.mu.Unlock()
		}
	}
}

// close leaves the last view on the screen.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != nil {
		close(p.stop)
		p.stop = nil
	}
	p.t.freeze()
}

// Observe implements train.Observer.
func (p *progress) Observe(e train.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := &p.view
	v.step, v.steps = e.Step, e.Steps
	switch e.Kind {
	case train.Started:
		p.t.note("run folder: %s", e.Text)
	case train.Phase:
		if p.first < 0 && e.Phase != "evaluation" && e.Phase != "ranking" {
			p.first, p.began = e.Step, time.Now()
		}
		v.phase, v.done = e.Phase, ""
	case train.Progress:
		v.done = fmt.Sprintf(" %d/%d", e.Done, e.Total)
	case train.StepDone:
		v.metrics, v.sample = e.Metrics, e.Sample
		if r, ok := e.Metrics.Get("reward"); ok {
			v.rewards = append(v.rewards, r)
		}
		p.stepDone()
	case train.Evaluated:
		if !p.t.json {
			width := 0
			if p.t.live {
				width, _ = p.t.size()
			}
			p.t.note("%s", evalLines(e.Step, e.Report, width))
		}
	case train.Note:
		p.t.note("%s", e.Text)
	case train.Ended:
		p.ended(e)
		return
	}
	p.draw(e.Kind == train.StepDone)
}

// ended says how it went, below the last view.
func (p *progress) ended(e train.Event) {
	p.view.phase, p.view.done = "done", ""
	if e.Text != "" {
		p.view.phase = "stopped"
	}
	p.draw(true)
	p.t.freeze()
	switch {
	case e.Text != "":
		p.t.note("%s; saved; go on with --resume", e.Text)
	case p.first < 0:
		p.t.note("done: all %d steps were done already", e.Steps)
	default:
		p.t.note("done: %d steps in %s", e.Steps-p.first, time.Since(p.began).Round(time.Second))
	}
}

func (p *progress) stepDone() {
	switch {
	case p.t.json:
		p.t.print(string(encode(p.view.metrics)) + "\n")
	case p.stop == nil && !p.t.quiet:
		p.t.print(p.line() + "\n")
	}
}

// line is a step in plain text.
func (p *progress) line() string {
	v := p.view
	var b strings.Builder
	fmt.Fprintf(&b, "step %d/%d", v.step, v.steps)
	for _, name := range []string{"reward", "loss", "kl", "entropy", "length", "grad_norm", "lr", "tokens_per_second"} {
		if x, ok := v.metrics.Get(name); ok {
			fmt.Fprintf(&b, "  %s %s", name, short(x))
		}
	}
	fmt.Fprintf(&b, "  left %s", p.left())
	return b.String()
}

// draw shows the live view. The lock is held.
func (p *progress) draw(now bool) {
	if p.stop == nil || !now && time.Since(p.drawn) < redrawEvery {
		return
	}
	p.drawn = time.Now()
	p.view.left = p.left()
	width, height := p.t.size()
	p.t.redraw(p.view.lines(width-1, height-1))
}

// left estimates the time to the end from the steps of this process.
func (p *progress) left() string {
	n := p.view.step - p.first
	if p.first < 0 || n < 1 {
		return "?"
	}
	per := time.Since(p.began) / time.Duration(n)
	return (per * time.Duration(p.view.steps-p.view.step)).Round(time.Second).String()
}

// evalLines is an evaluation on one line, or on lines no longer than width when it is not 0.
func evalLines(step int, r *eval.Report, width int) string {
	line := fmt.Sprintf("eval (%d items)", r.Items)
	if step > 0 {
		line = fmt.Sprintf("eval after step %d (%d items)", step, r.Items)
	}
	var done strings.Builder
	for _, m := range r.Metrics {
		if math.IsNaN(m.Low) || m.Unit != eval.UnitShare {
			continue
		}
		word := fmt.Sprintf("  %s %.3f [%.3f, %.3f]", m.Name, m.Value, m.Low, m.High)
		if width > 0 && len(line)+len(word) >= width {
			done.WriteString(line + "\n")
			line = "    "
		}
		line += word
	}
	return done.String() + line
}
