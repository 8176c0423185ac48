package run

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/tidwall/gjson"
)

// ReadMetrics gives the values of some keys of a run's metrics.jsonl, a row a step that was made, NaN where a key is null
// or not there. A key that no step has is an error. What was measured before the first step is no step's.
func ReadMetrics(dir string, keys ...string) ([][]float64, error) {
	path := filepath.Join(dir, MetricsFile)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows [][]float64
	seen := make([]bool, len(keys))
	r := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // no newline: torn by a crash, or the end
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if !gjson.ValidBytes(line) {
			return nil, fmt.Errorf("%s:%d: not JSON", path, n)
		}
		if gjson.GetBytes(line, "step").Int() < 1 {
			continue
		}
		row := make([]float64, len(keys))
		for i, k := range keys {
			row[i] = math.NaN()
			if v := gjson.GetBytes(line, gjson.Escape(k)); v.Exists() {
				seen[i] = true
				if v.Type == gjson.Number {
					row[i] = v.Num
				}
			}
		}
		rows = append(rows, row)
	}
	for i, k := range keys {
		if !seen[i] {
			return nil, fmt.Errorf("%s: no step has %q", path, k)
		}
	}
	return rows, nil
}
