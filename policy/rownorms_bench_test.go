package policy

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy/adapter"
)

var (
	benchModel  = flag.String("model", "builtin:tiny", "the model of BenchmarkRowNorms and BenchmarkGradStats")
	benchPrompt = flag.Int("prompt", 48, "their prompts' length in tokens")
)

// benchStep is a step of 4 prompts x 8 samples x 128 tokens: rollout, recorded, and learning from it.
type benchStep struct {
	m   *Model
	rec *Recording
	b   Batch
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

// rollout samples the batch.
func (s *benchStep) rollout(b *testing.B) {
	s.b = Batch{Recording: s.rec, Temperature: 1, Rows: make([]Row, 32)}
	var reqs []Request
	for i := range 4 {
		reqs = append(reqs, Request{Prompt: drawIDs(*benchPrompt, i), Samples: 8, Slot: uint32(i)})
		s.b.Prompts = append(s.b.Prompts, reqs[i].Prompt)
	}
	d := Decoding{MaxTokens: 128, Seed: 4, Record: s.rec, IgnoreEnd: true}
	d.Temperature = 1
	for c, err := range s.m.Generate(context.Background(), reqs, d, nil) {
		if err != nil {
			b.Fatal(err)
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
	if kind != s.m.ExactNorm() {
		s.learn(b)
		return
	}
	for _, scores := range all {
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

// BenchmarkRowNorms gives what each kind adds to a step of rollout and learning, as a share of it.
func BenchmarkRowNorms(b *testing.B) {
	for _, kind := range NormKinds {
		b.Run(fmt.Sprintf("%s/4x8x128", kind), func(b *testing.B) {
			s := newBenchStep(b, kind == NormLoRA)
			var rollout, plain, scored time.Duration
			for b.Loop() {
				t0 := time.Now()
				s.rollout(b)
				t1 := time.Now()
				s.learn(b)
				t2 := time.Now()
				s.scored(b, kind)
				rollout += t1.Sub(t0)
				plain += t2.Sub(t1)
				scored += time.Since(t2)
			}
			step := (rollout + plain).Seconds()
			b.ReportMetric(100*(scored-plain).Seconds()/step, "%-added")
			b.ReportMetric(step/float64(b.N), "s/step")
		})
	}
}

// BenchmarkGradStats gives what measuring the groups' gradients adds to it.
func BenchmarkGradStats(b *testing.B) {
	b.Run("4x8x128", func(b *testing.B) {
		s := newBenchStep(b, false)
		stats := s.m.NewGradStats()
		defer stats.Free()
		var rollout, plain, measured time.Duration
		for b.Loop() {
			t0 := time.Now()
			s.rollout(b)
			t1 := time.Now()
			s.learn(b)
			t2 := time.Now()
			s.measured(b, stats)
			rollout += t1.Sub(t0)
			plain += t2.Sub(t1)
			measured += time.Since(t2)
		}
		step := (rollout + plain).Seconds()
		b.ReportMetric(100*(measured-plain).Seconds()/step, "%-added")
		b.ReportMetric(step/float64(b.N), "s/step")
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
