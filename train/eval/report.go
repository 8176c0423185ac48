package eval

import (
	"encoding/json"
	"math"
)

// The units of metrics.
const (
	UnitShare  = "share"  // of all items, in [0, 1]
	UnitTokens = "tokens" // a completion's, end token included
)

// Report is the metrics of one evaluation, in a fixed order.
type Report struct {
	Kind    Kind     `json:"kind"`
	Items   int      `json:"items"`
	Metrics []Metric `json:"metrics"`
}

// Metric is a named number with its 95% interval. NaN means there is none: a value over no items, the interval of a
// mean over one, the interval of a percentile. JSON has null for NaN.
type Metric struct {
	Name      string
	Value     float64
	Low, High float64
	N         int // items it is over
	Unit      string
}

// Metric finds a metric by name.
func (r Report) Metric(name string) (Metric, bool) {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}

// metricJSON fixes the order of the keys, and holds null.
type metricJSON struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
	N     int      `json:"n"`
	Unit  string   `json:"unit"`
}

// MarshalJSON writes name, value, low, high, n and unit, in this order.
func (m Metric) MarshalJSON() ([]byte, error) {
	return json.Marshal(metricJSON{m.Name, orNull(m.Value), orNull(m.Low), orNull(m.High), m.N, m.Unit})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Metric) UnmarshalJSON(b []byte) error {
	var j metricJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*m = Metric{j.Name, orNaN(j.Value), orNaN(j.Low), orNaN(j.High), j.N, j.Unit}
	return nil
}

func orNull(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}
