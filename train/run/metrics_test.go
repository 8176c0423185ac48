package run

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadMetrics(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, MetricsFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"step":0,"loss":9}
{"step":1,"loss":2.5,"lr/base":1e-3}
{"step":2,"loss":null,"lr/base":2}
{"step":3,"lr/base":3}
{"step":4,"loss":1,"lr/ba`)
	rows, err := ReadMetrics(dir, "lr/base", "loss")
	if got := fmt.Sprint(rows); err != nil || got != "[[0.001 2.5] [2 NaN] [3 NaN]]" {
		t.Errorf("%s, error %v", got, err)
	}
	if _, err := ReadMetrics(dir, "loss", "lr"); err == nil || !strings.Contains(err.Error(), `no step has "lr"`) {
		t.Errorf("error %v", err)
	}
	write("{\"step\":1,\"loss\":2}\n{\"step\":\n")
	if _, err := ReadMetrics(dir, "loss"); err == nil || !strings.Contains(err.Error(), "metrics.jsonl:2: not JSON") {
		t.Errorf("error %v", err)
	}
}
