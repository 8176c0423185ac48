package recipes

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWeightsOfParts: a weight is a number or a mapping, in rewards of every way, and comes back as it was written.
func TestWeightsOfParts(t *testing.T) {
	text := strings.Replace(good, "rewards: [{kind: answer}]",
		"rewards: [{kind: json-structure, weight: {types: 0.25, order: 2}}, {file: a.go, weight: {x: -1}}, {kind: length, weight: 0.5}]", 1)
	r, err := Parse("r.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []Weight{{1, map[string]float64{"types": 0.25, "order": 2}}, {1, map[string]float64{"x": -1}}, {0.5, nil}}
	again, err := Parse("r.yaml", r.YAML())
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		if diff := cmp.Diff(w, r.Rewards[i].Weight) + cmp.Diff(w, again.Rewards[i].Weight); diff != "" {
			t.Errorf("reward %d: %s", i, diff)
		}
	}
	for weight, problem := range map[string]string{
		"{}":        "rewards.0.weight is empty, want a number, or the name of a part with its weight",
		"{a: b}":    "rewards.0.weight.a is \"b\", want a finite number",
		"[1]":       "rewards.0.weight is a list, want a finite number, or a mapping of parts to numbers",
		"{a: .nan}": "rewards.0.weight.a is \".nan\", want a finite number",
	} {
		if _, err := Parse("r.yaml", []byte(strings.Replace(good, "{kind: answer}", "{kind: answer, weight: "+weight+"}", 1))); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("weight %s: error %v, want %q", weight, err, problem)
		}
	}
}
