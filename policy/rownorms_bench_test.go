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

// learn adds the gradients, a prompt at a time, and calls after each.
func (s *benchStep) learn(b *testing.B, after func()) {
	s.m.ZeroGrads()
	for _, part := range groupsOf(s.b) {
		part.Recording = s.rec
		d := make([]float32, 8*128)
		for i := range d {
			d[i] = 1e-3
		}
		if _, err := s.m.Learn(part, d); err != nil {
			b.Fatal(err)
		}
		after()
	}
	if err := s.m.FinishGrads(); err != nil {
		b.Fatal(err)
	}
}

func (s *benchStep) norms(b *testing.B, kind NormKind) {
	for _, part := range groupsOf(s.b) {
		part.Recording = s.rec
		if _, err := s.m.RowNorms(part, kind); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRowNorms gives the time of each kind as a share of a step without it.
func BenchmarkRowNorms(b *testing.B) {
	for _, kind := range NormKinds {
		b.Run(fmt.Sprintf("%s/4x8x128", kind), func(b *testing.B) {
			s := newBenchStep(b, kind == NormLoRA)
			var step, norms time.Duration
			for b.Loop() {
				t0 := time.Now()
				s.rollout(b)
				t1 := time.Now()
				s.norms(b, kind)
				t2 := time.Now()
				s.learn(b, func() {})
				step += time.Since(t2) + t1.Sub(t0)
				norms += t2.Sub(t1)
			}
			b.ReportMetric(100*norms.Seconds()/step.Seconds(), "%-of-step")
		})
	}
}

// BenchmarkGradStats gives what measuring the groups' gradients adds to a step.
func BenchmarkGradStats(b *testing.B) {
	s := newBenchStep(b, false)
	stats := s.m.NewGradStats()
	defer stats.Free()
	var plain, measured time.Duration
	for b.Loop() {
		t0 := time.Now()
		s.rollout(b)
		t1 := time.Now()
		s.learn(b, func() {})
		t2 := time.Now()
		s.m.ZeroGrads()
		stats.Begin(nil)
		s.learn(b, func() {
			if err := stats.Add(); err != nil {
				b.Fatal(err)
			}
		})
		if _, err := stats.Finish(); err != nil {
			b.Fatal(err)
		}
		measured += time.Since(t2)
		plain += t2.Sub(t1)
		_ = t0
	}
	b.ReportMetric(100*(measured-plain).Seconds()/plain.Seconds(), "%-of-learning")
}
