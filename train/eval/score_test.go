package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const good = `{"reasoning": "9*2=18", "answer": 18}`

func item(text, stop string, tokens int) Item { return Item{text, "18", stop, tokens} }

// Ten answers to one problem, one for each way to be right or wrong, and what each metric makes of them.
var answers = []Item{
	item(good, "eos", 10),
	item("```json\n"+good+"\n```", "eos", 20),                              // lenient only
	item(`{"reasoning": "x", "answer": "18"}`, "stop", 30),                 // a number in a string
	item(`{"answer": 18, "reasoning": "x"}`, "eos", 40),                    // order doesn't count
	item(`{"reasoning": "x", "answer": 17}`, "eos", 50),                    // wrong
	item(`{"reasoning": "", "answer": 18}`, "eos", 60),                     // empty reasoning
	item(`{"answer": 18, "steps": "9*2=18"}`, "eos", 70),                   // other keys
	item("9*2=18. The answer is 18.", "eos", 80),                           // prose
	item(good, "length", 96),                                               // closes just before the limit
	item(`{"reasoning": "9*2=18 and so on and on", "length`, "length", 96), // cut
}

func TestScoreJSON(t *testing.T) {
	r := Score(JSON, answers)
	var got []string
	for _, m := range r.Metrics {
		got = append(got, fmt.Sprintf("%s %g %s", m.Name, m.Value, m.Unit))
		if m.N != 10 {
			t.Errorf("%s: over %d items, want all 10", m.Name, m.N)
		}
		if m.Unit == UnitShare && !(m.Low <= m.Value && m.Value <= m.High && m.Low < m.High) {
			t.Errorf("%s: %g outside %g, %g", m.Name, m.Value, m.Low, m.High)
		}
	}
	want := []string{
		"json_valid 0.7 share",
		"json_valid_lenient 0.8 share",
		"structure 0.3 share",
		"answer_correct 0.5 share",
		"answer_correct_lenient 0.7 share",
		"both 0.2 share",
		"truncated 0.2 share",
		"tokens_mean 55.2 tokens",
		"tokens_p95 96 tokens",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if m, ok := r.Metric("both"); !ok || math.Abs(m.Low-0.0566821514543752) > 1e-12 { // statsmodels 0.15.0
		t.Errorf("both: %v, low %v", ok, m.Low)
	}
	if _, ok := r.Metric("bleu"); ok {
		t.Error("found a metric that isn't there")
	}
}

func TestScoreText(t *testing.T) {
	r := Score(Text, []Item{
		item("9*2=18\n#### 18", "eos", 4), item("9*2=17\n#### 17", "eos", 6), item("9*2=18", "length", 8), item("", "eos", 1),
	})
	var got []string
	for _, m := range r.Metrics {
		got = append(got, fmt.Sprintf("%s %g", m.Name, m.Value))
	}
	if d := cmp.Diff([]string{"answer_correct 0.5", "truncated 0.25", "tokens_mean 4.75", "tokens_p95 8"}, got); d != "" {
		t.Error(d)
	}
}

func TestKindOf(t *testing.T) {
	if KindOf(`{"type":"object"}`) != JSON || KindOf("") != Text {
		t.Error("a schema makes JSON, none Text")
	}
}

// The JSON of a report is stable, has null for what there is not, and comes back the same.
func TestReportJSON(t *testing.T) {
	r := Report{Text, 4, []Metric{
		{"answer_correct", 0.5, 0.25, 0.75, 4, UnitShare},
		{"tokens_mean", 10, math.NaN(), math.NaN(), 1, UnitTokens},
	}}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"kind":"text","items":4,"metrics":[` +
		`{"name":"answer_correct","value":0.5,"low":0.25,"high":0.75,"n":4,"unit":"share"},` +
		`{"name":"tokens_mean","value":10,"low":null,"high":null,"n":1,"unit":"tokens"}]}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
	var back Report
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, back, cmpopts.EquateNaNs()); d != "" {
		t.Error(d)
	}
}

func TestScoreNothing(t *testing.T) {
	for _, kind := range []Kind{JSON, Text} {
		r := Score(kind, nil)
		for _, m := range r.Metrics {
			if !math.IsNaN(m.Value) || m.N != 0 {
				t.Errorf("%s %s: %v over %d items, want NaN over 0", kind, m.Name, m.Value, m.N)
			}
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	}
}

func ExampleScore() {
	r := Score(JSON, []Item{
		{Text: `{"reasoning": "9*2=18", "answer": 18}`, Reference: "18", Stop: "eos", Tokens: 14},
		{Text: `The answer is 18.`, Reference: "18", Stop: "eos", Tokens: 6},
	})
	for _, name := range []string{"json_valid", "answer_correct", "tokens_mean"} {
		m, _ := r.Metric(name)
		fmt.Printf("%s %.2f %s\n", m.Name, m.Value, m.Unit)
	}
	// Output:
	// json_valid 0.50 share
	// answer_correct 0.50 share
	// tokens_mean 10.00 tokens
}
