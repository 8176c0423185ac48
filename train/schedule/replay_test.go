package schedule

import (
	"encoding"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/train/run"
)

// TestReplayGivesTheRunsRates: with the run's base, base × factor is the run's rate to the bit.
func TestReplayGivesTheRunsRates(t *testing.T) {
	norms := []float64{9, 3, 2, 1}
	s := open(t, &Replay{FromRun: runWith(t, norms)})
	for i, g := range norms {
		if got := 0.5 * s.Rate(Seen{Step: i, Steps: 4}); got != g/20 {
			t.Errorf("update %d: %v, want %v", i, got, g/20)
		}
	}
	other := open(t, &Replay{FromRun: runWith(t, []float64{1, 2})})
	data, err := s.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.(encoding.BinaryUnmarshaler).UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), "not those that this run began with") {
		t.Errorf("another curve went on with the memory: %v", err)
	}
}

func TestReplayRefusesRunsWithoutRates(t *testing.T) {
	for text, want := range map[string]string{
		`{"step":1,"lr":0.1}`:                `no step has "lr/base"`,
		`{"step":1,"lr":0.1,"lr/base":0}`:    "want both and a base > 0",
		`{"step":1,"lr":null,"lr/base":0.1}`: "step 1 has lr NaN",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, run.MetricsFile), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (&Replay{FromRun: dir}).Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}
