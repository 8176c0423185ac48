package policy

import (
	"context"
	"flag"
	"fmt"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy/adapter"
)

var (
	benchModel  = flag.String("model", "builtin:tiny", "the model of BenchmarkRowNorms and BenchmarkGradStats")
	benchPrompt = flag.Int("prompt", 48, "their prompts' length in tokens")
)

// benchStep is a step of 4 prompts x 8 samples x 128 tokens: rollout, recorded, and learning from it.
type benchStep struct {
	m     *Model
	rec   *Recording
	b     Batch
	norms float64 // of all completions, by what sampling left
}

func newBenchStep(b *testing.B, lora bool) *benchStep {
	m, err := Open(*benchModel, cpu.New(0))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Close)
	if lora {
		if err := m.AttachLoRA(adapter.LoRA{Rank: 16, Alpha: 32, Targets: []string{adapter.AllLinear}}, 1); err != nil {
			b.Fatal(err)
		}
	}
	m.EnableGrads()
	s := &benchStep{m: m, rec: m.NewRecording(4*(*benchPrompt+8*127), m.Config().Layers)}
	b.Cleanup(s.rec.Free)
	return s
}

// rollout samples the batch; unless kind is empty, completions say what norms of that kind are made of.
func (s *benchStep) rollout(b *testing.B, kind NormKind) {
	s.b = Batch{Recording: s.rec, Temperature: 1, Rows: make([]Row, 32)}
	var reqs []Request
	for i := range 4 {
		reqs = append(reqs, Request{Prompt: drawIDs(*benchPrompt, i), Samples: 8, Slot: uint32(i)})
		s.b.Prompts = append(s.b.Prompts, reqs[i].Prompt)
	}
	d := Decoding{MaxTokens: 128, Seed: 4, Record: s.rec, IgnoreEnd: true, Statistics: kind != ""}
	d.Temperature = 1
	for c, err := range s.m.Generate(context.Background(), reqs, d, nil) {
		if err != nil {
			b.Fatal(err)
		}
		if kind != "" {
			norm, _ := c.RowNorm(kind)
			s.norms += norm
		}
		s.b.Rows[8*c.Request+c.Sample] = Row{Prompt: c.Request, Tokens: c.Tokens, Recorded: c.Recorded}
	}
}

// learn adds the gradients, a prompt at a time.
func (s *benchStep) learn(b *testing.B) {
	s.m.ZeroGrads()
	for _, part := range groupsOf(s.b) {
		part.Recording = s.rec
		d := make([]float32, 8*128)
		for i := range d {
			d[i] = 1e-3
		}
		if _, err := s.m.Learn(part, d, nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.m.FinishGrads(); err != nil {
		b.Fatal(err)
	}
}

// scored is learn after row norms of a kind, which are held.
func (s *benchStep) scored(b *testing.B, kind NormKind) {
	s.m.ZeroGrads()
	var all []*Scores
	for _, part := range groupsOf(s.b) {
		part.Recording = s.rec
		scores, err := s.m.ScoreRows(part, true, kind)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, scores)
	}
	if !all[0].ForLearning() {
		s.learn(b)
		return
	}
	for _, scores := range all {
		if !scores.ByRow() {
			d := make([]float32, 8*128)
			for i := range d {
				d[i] = 1e-3
			}
			if _, err := scores.LearnTokens(d); err != nil {
				b.Fatal(err)
			}
			continue
		}
		scale := make([]float32, 8)
		for i := range scale {
			scale[i] = 1e-3
		}
		if _, err := scores.Learn(scale); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.m.FinishGrads(); err != nil {
		b.Fatal(err)
	}
}

// phases are how long each part of a step took: processor seconds where the system says, so that what else runs on the
// machine counts for little. Of each the fastest run counts.
type phases map[string]float64

func (p phases) time(name string, f func()) {
	start := processorSeconds()
	f()
	took := processorSeconds() - start
	if old, ok := p[name]; !ok || took < old {
		p[name] = took
	}
}

// report gives what a way adds to a step of rollout and learning, as a share of it.
func (p phases) report(b *testing.B, added float64) {
	step := p["rollout"] + p["learn"]
	b.ReportMetric(100*added/step, "%-added")
	b.ReportMetric(step, "cpu-s/step")
}

// BenchmarkRowNorms gives what each kind adds to a step.
func BenchmarkRowNorms(b *testing.B) {
	for _, kind := range NormKinds {
		b.Run(fmt.Sprintf("%s/4x8x128", kind), func(b *testing.B) {
			s, p := newBenchStep(b, kind == NormLoRA), phases{}
			s.rollout(b, "") // the memory is touched for the first time
			for b.Loop() {
				if kind.Sampled() {
					p.time("told", func() { s.rollout(b, kind) })
				}
				p.time("rollout", func() { s.rollout(b, "") })
				p.time("learn", func() { s.learn(b) })
				if !kind.Sampled() {
					p.time("scored", func() { s.scored(b, kind) })
				}
			}
			if kind.Sampled() {
				p.report(b, p["told"]-p["rollout"])
			} else {
				p.report(b, p["scored"]-p["learn"])
			}
		})
	}
}

// BenchmarkGradStats gives what measuring the groups' gradients adds to it.
func BenchmarkGradStats(b *testing.B) {
	b.Run("4x8x128", func(b *testing.B) {
		s, p := newBenchStep(b, false), phases{}
		stats := s.m.NewGradStats()
		defer stats.Free()
		for b.Loop() {
			p.time("rollout", func() { s.rollout(b, "") })
			p.time("learn", func() { s.learn(b) })
			p.time("measured", func() { s.measured(b, stats) })
		}
		p.report(b, p["measured"]-p["learn"])
	})
}

// measured is learn with the norm of each group's gradient.
func (s *benchStep) measured(b *testing.B, stats *GradStats) {
	s.m.ZeroGrads()
	stats.Begin(nil)
	for _, part := range groupsOf(s.b) {
		part.Recording = s.rec
		d := make([]float32, 8*128)
		for i := range d {
			d[i] = 1e-3
		}
		if _, err := s.m.Learn(part, d, nil); err != nil {
			b.Fatal(err)
		}
		if err := stats.Add(); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := stats.Finish(); err != nil {
		b.Fatal(err)
	}
}
