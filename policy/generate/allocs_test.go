package generate

import (
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// TestDecodingAllocatesNothing: once a batch runs and memory has grown, a step of it costs the collector nothing.
func TestDecodingAllocatesNothing(t *testing.T) {
	m, err := decoder.New(small, cpu.New(2), decoder.RandomSource(small, 4))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, temperature := range []float32{0, 1} {
		o := Options{Decoding: Decoding{Temperature: temperature}, MaxTokens: 60}
		s, err := newScheduler(m, []Request{{Prompt: drawPrompt(17, 1), Samples: 5}, {Prompt: drawPrompt(30, 2), Samples: 2, Slot: 1}}, o)
		if err != nil {
			t.Fatal(err)
		}
		next := func() {
			if done, err := s.step(); err != nil || len(done) > 0 {
				t.Fatalf("%d sequences are done, error %v", len(done), err)
			}
		}
		for range 10 {
			next()
		}
		if n := testing.AllocsPerRun(40, next); n != 0 {
			t.Errorf("temperature %g: a step allocates %g times, want never", temperature, n)
		}
		s.close()
	}
}
