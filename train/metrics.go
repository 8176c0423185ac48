package train

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// Metric is a named number of a step. NaN is written as null.
type Metric struct {
	Name  string
	Value float64
}

// Metrics is one line of metrics.jsonl, in order.
type Metrics []Metric

func (m *Metrics) add(name string, v float64) { *m = append(*m, Metric{name, v}) }

// Get is the value of a metric.
func (m Metrics) Get(name string) (float64, bool) {
	for _, x := range m {
		if x.Name == name {
			return x.Value, true
		}
	}
	return math.NaN(), false
}

// MarshalJSON keeps the order.
func (m Metrics) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, x := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(x.Name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		switch {
		case math.IsNaN(x.Value) || math.IsInf(x.Value, 0):
			b.WriteString("null")
		case x.Value == math.Trunc(x.Value) && math.Abs(x.Value) < 1e15:
			b.WriteString(strconv.FormatInt(int64(x.Value), 10))
		default:
			b.Write(strconv.AppendFloat(nil, x.Value, 'g', -1, 64))
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// meanOf is the mean of the finite values of v; NaN when there are none.
func meanOf(v []float64) float64 {
	sum, n := 0.0, 0
	for _, x := range v {
		if !math.IsNaN(x) {
			sum += x
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}

// stdOf is the sample deviation (n-1) of the finite values of v; NaN for fewer than two.
func stdOf(v []float64) float64 {
	m, sum, n := meanOf(v), 0.0, 0
	for _, x := range v {
		if !math.IsNaN(x) {
			sum += (x - m) * (x - m)
			n++
		}
	}
	if n < 2 {
		return math.NaN()
	}
	return math.Sqrt(sum / float64(n-1))
}
